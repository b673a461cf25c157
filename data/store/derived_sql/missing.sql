-- store.missing: tests that a suite announced and nothing was heard of.
INSERT INTO store.missing
SELECT n.run_no, m.run_id, m.phase, m.suite, count(*)
FROM (
    SELECT run_id, phase, suite, unnest(test_ids) AS test_id FROM store.collected
    WHERE run_id IN (SELECT run_id FROM store.number WHERE run_no BETWEEN $first AND $last)
) AS m
JOIN store.number AS n USING (run_id)
ANTI JOIN (FROM store.test WHERE run_no BETWEEN $first AND $last) AS t
    ON t.run_no = n.run_no AND t.phase = m.phase AND t.suite = m.suite AND t.test_id = m.test_id
GROUP BY n.run_no, m.run_id, m.phase, m.suite;
