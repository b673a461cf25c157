-- store.suite_count: how many tests of each suite ended how.
INSERT INTO store.suite_count
SELECT
    run_no, min(run_id), phase, suite, count(*), count_if(outcome = 'PASS'),
    count_if(outcome = 'FAIL'), count_if(outcome = 'ERROR'), count_if(outcome = 'SKIPPED'),
    count_if(outcome = 'FLAKY'), count_if(outcome = 'NOT_RUN'),
    count(*) FILTER (outcome IN ('PASS', 'FLAKY') AND witnessed),
    count(*) FILTER (outcome IN ('PASS', 'FLAKY') AND NOT witnessed),
    count(*) FILTER (outcome IN ('PASS', 'FLAKY') AND witnessed IS NULL)
FROM store.settled
WHERE run_no BETWEEN $first AND $last
GROUP BY run_no, phase, suite
ORDER BY run_no, phase, suite;
