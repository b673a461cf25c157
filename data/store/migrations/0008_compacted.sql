-- Old samples, once retention has compacted them (data/store/retention.py): one row a run, phase, probe,
-- metric, unit, ok and bin of 1 %. `value` is the middle sample of the bin, `n` how many it had.
CREATE TABLE store.histogram (
    run_no INTEGER, run_id VARCHAR, phase VARCHAR, probe VARCHAR, metric VARCHAR, unit VARCHAR,
    ok BOOLEAN, "value" DOUBLE, n BIGINT
);

-- One row a run whose samples were compacted: how many there were.
CREATE TABLE store.compacted (
    run_no INTEGER, run_id VARCHAR, n_samples BIGINT, "at" TIMESTAMPTZ
);
