-- samples. Grain: one row a measurement (run, probe, metric, ordinal), raw; of runs whose samples
--   retention compacted there are none, their numbers are in metric_by_deployment.
-- Units: `value` in `unit` (latencies are ms), *_at UTC. `ok` is false for one that ended in failure.
CREATE OR REPLACE VIEW samples AS
SELECT
    c.* EXCLUDE (run_no), s.phase, s.probe, s.metric, s.ordinal, s."value", s.unit, s.ok, s."at" AS measured_at
FROM store.sample AS s
JOIN store.numbered AS c ON c.run_no = s.run_no;
COMMENT ON VIEW samples IS 'One row a measurement, raw: value in unit (latencies in ms); ok = false: it ended in failure';
