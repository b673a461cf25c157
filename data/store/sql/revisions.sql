-- revisions. Grain: one row a run, stage (start, after:<phase>, end) and service.
-- `seen`: every revision that answered in n_reads reads; `expected` NULL: the plan does not say.
CREATE OR REPLACE VIEW revisions AS
SELECT
    c.*, r.stage, r.service, r.expected, r.seen, r.n_reads, r.error, r."at" AS read_at
FROM store.revision AS r
JOIN store.context AS c USING (run_id);
COMMENT ON VIEW revisions IS 'One row a run, stage and service: the revisions that answered';
