-- store.context: what every view says of a run. Grain: one row a run. Not documented for analysts.
CREATE OR REPLACE VIEW store.context AS
SELECT run_id, plan, environment, deployment_id, revision, started_at FROM store.place;

-- store.numbered: the same with the number of the run, by which big tables are joined.
CREATE OR REPLACE VIEW store.numbered AS
SELECT run_id, plan, environment, deployment_id, revision, started_at, run_no FROM store.place;
