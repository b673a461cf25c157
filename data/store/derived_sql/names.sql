-- store.test_name: a number for each test that the runs bring and that has none. None is ever removed.
INSERT INTO store.test_name
SELECT
    (SELECT coalesce(max(test_no), 0) FROM store.test_name)
        + row_number() OVER (ORDER BY plan, environment, phase, suite, test_id) AS test_no, *
FROM (
    SELECT DISTINCT r.plan, r.environment, t.phase, t.suite, t.test_id
    FROM store.test AS t
    JOIN store.place AS r USING (run_no)
    WHERE t.run_no BETWEEN $first AND $last
)
ANTI JOIN store.test_name USING (plan, environment, phase, suite, test_id);
