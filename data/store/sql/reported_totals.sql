-- reported_totals. Grain: one row a run and report of totals: of a suite, or of the whole run
--   (suite NULL). What a report said, beside what its tests say where they are known one by one.
-- is_confirmed: NULL where no test of it is known; false where told and counted differ in anything.
-- n_unaccounted: told tests that are in none of the told parts; NULL where no part was told.
-- Units: told_duration_s seconds, told_pass_share 0..1 (NULL without a test: that is no pass).
CREATE OR REPLACE VIEW reported_totals AS
WITH counted AS (
    SELECT
        run_id, suite, sum(n_tests)::BIGINT AS n_tests, sum(n_passed)::BIGINT AS n_passed,
        sum(n_failed + n_errors)::BIGINT AS n_red, sum(n_skipped)::BIGINT AS n_skipped
    FROM (SELECT * FROM store.suite_count
          UNION ALL SELECT * REPLACE ('' AS suite) FROM store.suite_count)
    GROUP BY run_id, suite
)
SELECT
    c.*, t.phase, nullif(t.suite, '') AS suite, t.n_tests AS n_told, t.n_passed AS n_told_passed,
    t.n_failed AS n_told_failed, t.n_errors AS n_told_errors, t.n_skipped AS n_told_skipped,
    CASE WHEN coalesce(t.n_passed, t.n_failed, t.n_errors, t.n_skipped) IS NOT NULL
         THEN TRY_CAST(t.n_tests::HUGEINT - coalesce(t.n_passed, 0) - coalesce(t.n_failed, 0)
                       - coalesce(t.n_errors, 0) - coalesce(t.n_skipped, 0) AS BIGINT)
         END AS n_unaccounted,
    CASE WHEN t.n_tests > 0 THEN t.n_passed / t.n_tests END AS told_pass_share,
    t.duration_s AS told_duration_s, coalesce(n.n_tests, 0) AS n_tests,
    n.n_tests = t.n_tests AND coalesce(n.n_passed = t.n_passed, true)
        AND coalesce(n.n_red::HUGEINT = t.n_failed::HUGEINT + coalesce(t.n_errors, 0), true)
        AND coalesce(n.n_skipped = t.n_skipped, true) AS is_confirmed
FROM store.totals AS t
JOIN store.context AS c USING (run_id)
LEFT JOIN counted AS n ON n.run_id = t.run_id AND n.suite = t.suite;
COMMENT ON VIEW reported_totals IS 'One row a run and report of totals: what was told, and whether the tests confirm it';
