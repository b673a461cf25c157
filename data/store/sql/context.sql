-- store.context: what every view says of a run. Grain: one row a run. Not documented for analysts.
CREATE OR REPLACE VIEW store.context AS
SELECT run_id, plan, environment, deployment_id, revision, started_at FROM store.place;

-- store.numbered: the same with the number of the run, by which big tables are joined.
CREATE OR REPLACE VIEW store.numbered AS
SELECT run_id, plan, environment, deployment_id, revision, started_at, run_no FROM store.place;

-- store.binned: bins of runs whose journal was compacted, as store.histogram has those of others.
CREATE OR REPLACE VIEW store.binned AS
SELECT
    n.run_no, b.phase, b.probe, b.metric, b.unit, b.ok, unnest(b.middles) AS "value",
    unnest(b.counts) AS n
FROM (SELECT run_id, unnest(bins) AS b FROM store.histograms) AS h
JOIN store.number AS n USING (run_id);
