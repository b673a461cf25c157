-- Samples of a run whose journal was compacted before this warehouse took it in: the fact that stands
-- there in their place. (`histogram` and `compacted` of 0008 are of runs that were compacted here.)
CREATE TABLE store.histograms (
    seq BIGINT, run_id VARCHAR, n_samples BIGINT,
    figures STRUCT(
        phase VARCHAR, probe VARCHAR, metric VARCHAR, unit VARCHAR, n BIGINT, n_failed BIGINT,
        "min" DOUBLE, mean DOUBLE, p50 DOUBLE, p95 DOUBLE, p99 DOUBLE, "max" DOUBLE)[],
    bins STRUCT(
        phase VARCHAR, probe VARCHAR, metric VARCHAR, unit VARCHAR, ok BOOLEAN, middles DOUBLE[],
        counts BIGINT[])[],
    "at" TIMESTAMPTZ, body VARCHAR
);
