-- What the views say, asked of the facts alone: slow, and with nothing computed beforehand. The views of
-- the warehouse must give the same rows (test_derived.py).
CREATE SCHEMA plain;

CREATE VIEW plain.context AS
SELECT
    r.run_id, r.plan, r.environment, r.deployment_id,
    coalesce(r.revision, d.revision, s.revision) AS revision,
    r.started_at
FROM store.run AS r
LEFT JOIN store.deploy AS d USING (run_id)
LEFT JOIN (
    SELECT run_id, CASE WHEN count(DISTINCT name) = 1 THEN min(name) END AS revision
    FROM (SELECT run_id, unnest(seen) AS name FROM store.revision)
    GROUP BY run_id
) AS s USING (run_id);

CREATE VIEW plain.samples AS
SELECT c.*, s.phase, s.probe, s.metric, s.ordinal, s."value", s.unit, s.ok, s."at" AS measured_at
FROM store.sample AS s
JOIN plain.context AS c USING (run_id);

CREATE VIEW plain.tests AS
WITH retried AS (
    SELECT DISTINCT run_id, phase, suite, test_id FROM store.test WHERE attempt <> 1
), attempts AS (
    SELECT
        run_id, phase, suite, test_id, count(*) AS n_attempts,
        max(attempt) AS last_attempt,
        arg_max(outcome, attempt) AS last_outcome,
        arg_max(outcome, attempt) FILTER (outcome IN ('FAIL', 'ERROR', 'PASS')) AS last_decided,
        max(attempt) FILTER (outcome IN ('FAIL', 'ERROR')) AS red_attempt
    FROM store.test
    SEMI JOIN retried USING (run_id, phase, suite, test_id)
    GROUP BY run_id, phase, suite, test_id
), final AS (
    SELECT *, CASE
        WHEN last_outcome = 'PASS' AND red_attempt < last_attempt THEN 'FLAKY'
        WHEN last_outcome IN ('NOT_RUN', 'SKIPPED') THEN coalesce(last_decided, last_outcome)
        ELSE last_outcome
    END AS outcome
    FROM attempts
), settled AS (
    SELECT
        run_id, phase, suite, test_id, outcome, 1 AS n_attempts, duration_ms, witnessed,
        n_connections, sent_bytes, received_bytes, findings, message, signature, stage, "at"
    FROM store.test
    ANTI JOIN retried USING (run_id, phase, suite, test_id)
    UNION ALL
    SELECT
        f.run_id, f.phase, f.suite, f.test_id, f.outcome, f.n_attempts, t.duration_ms, t.witnessed,
        t.n_connections, t.sent_bytes, t.received_bytes, t.findings,
        if(f.outcome <> 'PASS', coalesce(red.message, t.message), t.message),
        if(f.outcome <> 'PASS', coalesce(red.signature, t.signature), t.signature),
        if(f.outcome <> 'PASS', coalesce(red.stage, t.stage), t.stage), t."at"
    FROM final AS f
    JOIN store.test AS t
        ON t.run_id = f.run_id AND t.phase = f.phase AND t.suite = f.suite
        AND t.test_id = f.test_id AND t.attempt = f.last_attempt
    LEFT JOIN store.test AS red
        ON red.run_id = f.run_id AND red.phase = f.phase AND red.suite = f.suite
        AND red.test_id = f.test_id AND red.attempt = f.red_attempt
)
SELECT
    c.*, s.phase, p.priority, s.suite, s.test_id, s.outcome,
    CASE WHEN s.outcome IN ('PASS', 'FLAKY') AND s.witnessed IS NOT NULL
         THEN if(s.witnessed, 'WITNESSED', 'VACUOUS') END AS grade,
    s.n_attempts, s.duration_ms, s.witnessed, s.n_connections, s.sent_bytes, s.received_bytes,
    s.findings, s.message, s.signature, s.stage, s."at" AS ended_at
FROM settled AS s
JOIN plain.context AS c ON c.run_id = s.run_id
LEFT JOIN store.phase AS p ON p.run_id = s.run_id AND p.phase = s.phase;

CREATE VIEW plain.runs AS
SELECT
    c.*, v.verdict, v.rule, v.coverage.expected AS coverage_expected,
    v.coverage.seen AS coverage_seen, e.finished_at,
    date_diff('millisecond', c.started_at, e.finished_at) / 1000 AS duration_s,
    e.reason AS end_reason,
    coalesce(t.n_tests, 0) AS n_tests, coalesce(t.n_passed, 0) AS n_passed,
    coalesce(t.n_failed, 0) AS n_failed, coalesce(t.n_flaky, 0) AS n_flaky,
    coalesce(t.n_skipped, 0) AS n_skipped, coalesce(t.n_not_run, 0) AS n_not_run,
    coalesce(t.n_vacuous, 0) AS n_vacuous, coalesce(b.n_probes, 0) AS n_probes,
    coalesce(b.n_probes_failed, 0) AS n_probes_failed,
    r.is_rollback, r.irreversible_migration, r.plan_path, r.plan_hash, r.gate_version,
    v.input_hash, l.label, l.note AS label_note
FROM store.run AS r
JOIN plain.context AS c USING (run_id)
LEFT JOIN store.run_end AS e USING (run_id)
LEFT JOIN store.verdict AS v USING (run_id)
LEFT JOIN store.labels AS l USING (run_id)
LEFT JOIN (
    SELECT
        run_id, count(*) AS n_tests, count_if(outcome = 'PASS') AS n_passed,
        count_if(outcome IN ('FAIL', 'ERROR')) AS n_failed, count_if(outcome = 'FLAKY') AS n_flaky,
        count_if(outcome = 'SKIPPED') AS n_skipped, count_if(outcome = 'NOT_RUN') AS n_not_run,
        count(*) FILTER (grade = 'VACUOUS') AS n_vacuous
    FROM plain.tests GROUP BY run_id
) AS t USING (run_id)
LEFT JOIN (
    SELECT
        run_id, count(*) AS n_probes, count_if(outcome IN ('FAIL', 'ERROR')) AS n_probes_failed
    FROM probes GROUP BY run_id
) AS b USING (run_id)
WHERE r.purpose IS DISTINCT FROM 'audit';

CREATE VIEW plain.phases AS
SELECT
    c.*, p.phase, p.ordinal, p.priority, p.started_at AS phase_started_at,
    p.finished_at AS phase_finished_at,
    date_diff('millisecond', p.started_at, p.finished_at) / 1000 AS duration_s, p.reason,
    coalesce(t.n_tests, 0) AS n_tests, coalesce(t.n_passed, 0) AS n_passed,
    coalesce(t.n_failed, 0) AS n_failed, coalesce(t.n_flaky, 0) AS n_flaky,
    coalesce(t.n_not_run, 0) AS n_not_run, coalesce(b.n_probes, 0) AS n_probes,
    coalesce(b.n_probes_failed, 0) AS n_probes_failed
FROM store.phase AS p
JOIN plain.context AS c USING (run_id)
LEFT JOIN (
    SELECT
        run_id, phase, count(*) AS n_tests, count_if(outcome = 'PASS') AS n_passed,
        count_if(outcome IN ('FAIL', 'ERROR')) AS n_failed, count_if(outcome = 'FLAKY') AS n_flaky,
        count_if(outcome = 'NOT_RUN') AS n_not_run
    FROM plain.tests GROUP BY run_id, phase
) AS t ON t.run_id = p.run_id AND t.phase = p.phase
LEFT JOIN (
    SELECT
        run_id, phase, count(*) AS n_probes,
        count_if(outcome IN ('FAIL', 'ERROR')) AS n_probes_failed
    FROM probes GROUP BY run_id, phase
) AS b ON b.run_id = p.run_id AND b.phase = p.phase;

CREATE VIEW plain.suites AS
WITH known AS (
    SELECT run_id, phase, suite FROM store.suite
    UNION SELECT run_id, phase, suite FROM store.collected
    UNION SELECT run_id, phase, suite FROM store.test
), shared AS (
    SELECT
        run_id, phase, suite, attempt, min(command) AS command, bool_or(timed_out) AS timed_out,
        coalesce(
            arg_max(exit_code, abs(exit_code)) FILTER (exit_code <> 0 AND (exit_code <> 5 OR n = 1)),
            CASE WHEN n > 1 AND bool_and(exit_code = 5) THEN 5
                 WHEN bool_and(exit_code IS NOT NULL) THEN 0 END) AS exit_code,
        max(broken) AS broken, sum(duration_s) AS duration_s, min(started_at) AS started_at
    FROM (SELECT *, count(*) OVER (PARTITION BY run_id, phase, suite, attempt) AS n
          FROM store.suite)
    GROUP BY run_id, phase, suite, attempt, n
), process AS (
    SELECT
        run_id, phase, suite, count(*) AS n_attempts, arg_max(command, attempt) AS command,
        arg_max_null(exit_code, attempt) AS exit_code, bool_or(timed_out) AS timed_out,
        arg_max(broken, attempt) AS broken, sum(duration_s) AS duration_s,
        min(started_at) AS suite_started_at
    FROM shared GROUP BY ALL
), manifest AS (
    SELECT run_id, phase, suite, len(test_ids) AS n_collected, len(deselected) AS n_deselected
    FROM store.collected
), missing AS (
    SELECT run_id, phase, suite, count(*) AS n_missing
    FROM (SELECT run_id, phase, suite, unnest(test_ids) AS test_id FROM store.collected) AS m
    ANTI JOIN store.test AS t USING (run_id, phase, suite, test_id)
    GROUP BY ALL
), counted AS (
    SELECT
        run_id, phase, suite, count(*) AS n_tests,
        count_if(outcome = 'PASS') AS n_passed, count_if(outcome = 'FAIL') AS n_failed,
        count_if(outcome = 'ERROR') AS n_errors, count_if(outcome = 'SKIPPED') AS n_skipped,
        count_if(outcome = 'FLAKY') AS n_flaky, count_if(outcome = 'NOT_RUN') AS n_not_run,
        count(*) FILTER (grade = 'VACUOUS') AS n_vacuous
    FROM plain.tests GROUP BY ALL
)
SELECT
    c.*, k.phase, p.priority, k.suite, m.n_collected, m.n_deselected,
    coalesce(n.n_tests, 0) AS n_tests, coalesce(n.n_passed, 0) AS n_passed,
    coalesce(n.n_failed, 0) AS n_failed, coalesce(n.n_errors, 0) AS n_errors,
    coalesce(n.n_skipped, 0) AS n_skipped, coalesce(n.n_flaky, 0) AS n_flaky,
    coalesce(n.n_not_run, 0) AS n_not_run, coalesce(x.n_missing, 0) AS n_missing,
    coalesce(n.n_vacuous, 0) AS n_vacuous, coalesce(s.n_attempts, 0) AS n_attempts,
    s.command, s.exit_code, s.timed_out, s.broken, s.duration_s, s.suite_started_at
FROM known AS k
JOIN plain.context AS c ON c.run_id = k.run_id
LEFT JOIN store.phase AS p ON p.run_id = k.run_id AND p.phase = k.phase
LEFT JOIN process AS s
    ON s.run_id = k.run_id AND s.phase = k.phase AND s.suite = k.suite
LEFT JOIN manifest AS m
    ON m.run_id = k.run_id AND m.phase = k.phase AND m.suite = k.suite
LEFT JOIN missing AS x
    ON x.run_id = k.run_id AND x.phase = k.phase AND x.suite = k.suite
LEFT JOIN counted AS n
    ON n.run_id = k.run_id AND n.phase = k.phase AND n.suite = k.suite;

CREATE VIEW plain.pass_rate_by_deployment AS
SELECT
    environment, plan, deployment_id, arg_max(revision, started_at) AS revision,
    min(started_at) AS started_at, count(DISTINCT run_id) AS n_runs, count(*) AS n_tests,
    count_if(outcome = 'PASS') AS n_passed, count_if(outcome IN ('FAIL', 'ERROR')) AS n_failed,
    count_if(outcome = 'FLAKY') AS n_flaky, count_if(outcome = 'SKIPPED') AS n_skipped,
    count_if(outcome = 'NOT_RUN') AS n_not_run, count(*) FILTER (grade = 'VACUOUS') AS n_vacuous,
    count_if(outcome = 'PASS') / count(*) AS pass_share,
    count_if(outcome = 'FLAKY') / count(*) AS flaky_share
FROM plain.tests
GROUP BY environment, plan, deployment_id;

CREATE VIEW plain.metric_by_deployment AS
SELECT
    environment, plan, deployment_id, arg_max(revision, started_at) AS revision,
    min(started_at) AS started_at, phase, probe, metric, unit,
    count(*) FILTER (ok) AS n, count(*) FILTER (NOT ok) AS n_failed,
    min("value") FILTER (ok) AS min, avg("value") FILTER (ok) AS mean,
    CASE WHEN count(*) FILTER (ok) >= 5 THEN quantile_disc("value", 0.5) FILTER (ok) END AS p50,
    CASE WHEN count(*) FILTER (ok) >= 20 THEN quantile_disc("value", 0.95) FILTER (ok) END AS p95,
    CASE WHEN count(*) FILTER (ok) >= 100 THEN quantile_disc("value", 0.99) FILTER (ok) END AS p99,
    max("value") FILTER (ok) AS max
FROM plain.samples
GROUP BY environment, plan, deployment_id, phase, probe, metric, unit;

CREATE VIEW plain.flaky_tests AS
WITH outage AS (
    SELECT run_id FROM plain.tests GROUP BY run_id
    HAVING count_if(outcome IN ('FAIL', 'ERROR')) > 0.8 * count(*)
), ended AS (
    SELECT
        *, outcome IN ('FAIL', 'ERROR') AS is_red,
        lag(outcome IN ('FAIL', 'ERROR')) OVER (
            PARTITION BY environment, plan, phase, suite, test_id, revision
            ORDER BY started_at, run_id
        ) AS was_red
    FROM plain.tests
    WHERE outcome NOT IN ('NOT_RUN', 'SKIPPED') AND run_id NOT IN (SELECT run_id FROM outage)
), counted AS (
    SELECT
        environment, plan, phase, suite, test_id, count(*) AS n_runs,
        count(*) FILTER (outcome = 'FLAKY') AS n_flaky,
        count(*) FILTER (is_red) AS n_failed,
        max(started_at) FILTER (outcome = 'FLAKY') AS last_flaky_at,
        arg_max(deployment_id, started_at) FILTER (outcome = 'FLAKY') AS last_flaky_deployment,
        arg_max(message, started_at) FILTER (outcome = 'FLAKY') AS last_message,
        count(*) FILTER (outcome = 'FLAKY' OR (revision IS NOT NULL AND is_red <> was_red))
            AS n_flips,
        count(*) FILTER (outcome = 'FLAKY' OR (revision IS NOT NULL AND was_red IS NOT NULL))
            AS n_flip_chances
    FROM ended
    GROUP BY ALL
    HAVING n_flips > 0
), bounded AS (
    SELECT
        *, n_flaky / n_runs AS flaky_share, n_flips / n_flip_chances AS flip_share,
        (n_flaky / n_runs + 1.9208 / n_runs) / (1 + 3.8416 / n_runs) AS flaky_mid,
        1.96 * sqrt(n_flaky / n_runs * (1 - n_flaky / n_runs) / n_runs + 0.9604 / n_runs ** 2)
            / (1 + 3.8416 / n_runs) AS flaky_half,
        (n_flips / n_flip_chances + 1.9208 / n_flip_chances) / (1 + 3.8416 / n_flip_chances)
            AS flip_mid,
        1.96 * sqrt(
            n_flips / n_flip_chances * (1 - n_flips / n_flip_chances) / n_flip_chances
            + 0.9604 / n_flip_chances ** 2
        ) / (1 + 3.8416 / n_flip_chances) AS flip_half
    FROM counted
)
SELECT
    environment, plan, phase, suite, test_id, n_runs, n_flaky, n_failed, flaky_share,
    flaky_mid - flaky_half AS flaky_share_low, last_flaky_at, last_flaky_deployment, last_message,
    n_flips, n_flip_chances, flip_share, flip_mid - flip_half AS flip_share_low,
    flip_mid + flip_half AS flip_share_high, n_failed > 0.8 * n_runs AS is_broken
FROM bounded
ORDER BY is_broken, flip_share_low DESC;

CREATE VIEW plain.first_bad_deployment AS
WITH ended AS (
    SELECT *, outcome IN ('FAIL', 'ERROR') AS is_bad
    FROM plain.tests
    WHERE outcome NOT IN ('NOT_RUN', 'SKIPPED')
), good AS (
    SELECT
        environment, plan, phase, suite, test_id, max((started_at, run_id)) AS place,
        arg_max(deployment_id, (started_at, run_id)) AS deployment_id,
        arg_max_null(revision, (started_at, run_id)) AS revision, max(started_at) AS started_at
    FROM ended WHERE NOT is_bad
    GROUP BY ALL
)
SELECT
    e.environment, e.plan, e.phase, e.suite, e.test_id,
    arg_min(e.deployment_id, (e.started_at, e.run_id)) AS first_bad_deployment_id,
    arg_min(e.revision, (e.started_at, e.run_id)) AS first_bad_revision,
    min(e.started_at) AS first_bad_at, arg_min(e.run_id, (e.started_at, e.run_id)) AS first_bad_run_id,
    g.deployment_id AS last_good_deployment_id, g.revision AS last_good_revision,
    g.started_at AS last_good_at, count(*) AS n_runs_bad,
    arg_max(e.signature, (e.started_at, e.run_id)) AS signature,
    arg_max(e.message, (e.started_at, e.run_id)) AS message
FROM ended AS e
LEFT JOIN good AS g
    ON g.environment = e.environment AND g.plan = e.plan AND g.phase = e.phase
    AND g.suite = e.suite AND g.test_id = e.test_id
WHERE e.is_bad AND (g.place IS NULL OR (e.started_at, e.run_id) > g.place)
GROUP BY e.environment, e.plan, e.phase, e.suite, e.test_id, g.deployment_id, g.revision, g.started_at;

CREATE VIEW plain.evidence_quality AS
SELECT
    run_id, plan, environment, deployment_id, revision, started_at,
    count(*) AS n_passed, count(*) FILTER (grade = 'WITNESSED') AS n_witnessed,
    count(*) FILTER (grade = 'VACUOUS') AS n_vacuous, count_if(grade IS NULL) AS n_unknown,
    count(*) FILTER (grade = 'WITNESSED') / count(*) AS witnessed_share,
    count(*) FILTER (grade = 'VACUOUS') / count(*) AS vacuous_share,
    count_if(grade IS NULL) / count(*) AS unknown_share
FROM plain.tests
WHERE outcome IN ('PASS', 'FLAKY')
GROUP BY run_id, plan, environment, deployment_id, revision, started_at;
