-- tests. Grain: one row a run, phase, suite and test: its final outcome over all attempts.
-- outcome: FLAKY when a red attempt was followed by a pass; a retry that did not end (NOT_RUN,
--   SKIPPED) leaves the red it was to check; else the last attempt's.
-- grade: of a pass or FLAKY: VACUOUS when its last attempt never touched the target; when it did,
--   PROVEN if a negative control turned it red in the audit in force, INSENSITIVE if none did, and
--   WITNESSED if no audit tried it; NULL when it did not pass, or nobody could see (`witnessed` is
--   NULL). In force is the newest audit of the plan and suite before the run, as far as its answers
--   were no older than the plan's `audit.max_age` then: the grade that the verdict used.
-- message, signature, stage: of the last red attempt where there is one (so a FLAKY test keeps the
--   cause), else of the last attempt. The other columns are the last attempt's.
-- Units: duration_ms milliseconds, *_bytes bytes, n_* counts, *_at UTC.
CREATE OR REPLACE VIEW tests AS
SELECT
    c.* EXCLUDE (run_no), s.phase, s.priority, s.suite, s.test_id, s.outcome,
    CASE WHEN s.outcome IN ('PASS', 'FLAKY') AND s.witnessed IS NOT NULL
         THEN CASE WHEN NOT s.witnessed THEN 'VACUOUS'
                   WHEN a.tried_us IS NULL OR a.tried_us < f.oldest_us THEN 'WITNESSED'
                   WHEN a.red_us >= f.oldest_us THEN 'PROVEN'
                   ELSE 'INSENSITIVE' END END AS grade,
    s.n_attempts, s.duration_ms, s.witnessed, s.n_connections, s.sent_bytes, s.received_bytes,
    s.findings, s.message, s.signature, s.stage, s."at" AS ended_at
FROM store.settled AS s
JOIN store.numbered AS c ON c.run_no = s.run_no
LEFT JOIN store.in_force AS f ON f.run_no = s.run_no AND f.suite = s.suite
LEFT JOIN store.audited AS a
    ON a.audit_run_id = f.audit_run_id AND a.suite = s.suite AND a.test_id = s.test_id;
COMMENT ON VIEW tests IS 'One row a run, phase, suite and test: final outcome over all attempts, and what a pass is worth';
COMMENT ON COLUMN tests.outcome IS 'PASS, FAIL, ERROR, NOT_RUN, SKIPPED, or FLAKY: red, then a pass on retry';
COMMENT ON COLUMN tests.grade IS 'PROVEN, WITNESSED, INSENSITIVE or VACUOUS of a pass; NULL: not passed, or nobody could see';
