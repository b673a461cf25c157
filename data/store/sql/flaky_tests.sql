-- flaky_tests. Grain: one row a plan, environment, phase, suite and test that was ever FLAKY, or that
--   changed between good and red on one revision.
-- n_runs: runs in which it ended, without those where over 80 % of all tests were red (an outage
--   says nothing of one test). flaky_share 0..1; flaky_share_low: its Wilson lower bound at 95 %,
--   to rank by: 1 of 1 is not worse than 30 of 100.
-- last_flaky_at: start of the last such run, UTC.
-- A flip is a FLAKY run, or a run that ended otherwise (good, red) than the one before it on the same
--   revision: another revision may be the reason of a change. n_flips of n_flip_chances; flip_share
--   0..1 with its 95 % Wilson bounds flip_share_low and flip_share_high.
-- is_broken: red in more than 80 % of its runs. Such a test is broken, not flaky.
CREATE OR REPLACE VIEW flaky_tests AS
WITH retaken AS (
    -- runs of a revision that has others: only there can a test change its mind
    SELECT run_no, revision, started_at, run_id FROM store.numbered WHERE revision IS NOT NULL
    QUALIFY count(*) OVER (PARTITION BY environment, plan, revision) > 1
), turned AS (
    SELECT
        test_no, is_flaky, is_red, lag(is_red) OVER (
            PARTITION BY test_no, revision ORDER BY started_at, run_id
        ) AS was_red
    FROM store.ended JOIN retaken USING (run_no)
    WHERE NOT is_outage
), flips AS (
    SELECT
        test_no, count(*) FILTER (NOT is_flaky AND is_red <> was_red) AS n_turned,
        count(*) FILTER (NOT is_flaky AND was_red IS NOT NULL) AS n_chances
    FROM turned GROUP BY test_no
), ended AS (
    SELECT
        test_no, count(*) AS n_runs, count(*) FILTER (is_flaky) AS n_flaky,
        count(*) FILTER (is_red) AS n_failed
    FROM store.ended WHERE NOT is_outage GROUP BY test_no
), flaked AS (
    SELECT
        e.test_no, max(c.started_at) AS last_flaky_at,
        arg_max(c.deployment_id, c.started_at) AS last_flaky_deployment,
        arg_max(e.message, c.started_at) AS last_message
    FROM store.trouble AS e JOIN store.numbered AS c USING (run_no)
    WHERE e.is_flaky AND NOT e.is_outage
    GROUP BY e.test_no
), counted AS (
    SELECT
        t.environment, t.plan, t.phase, t.suite, t.test_id, e.n_runs, e.n_flaky, e.n_failed,
        k.last_flaky_at, k.last_flaky_deployment, k.last_message,
        e.n_flaky + coalesce(f.n_turned, 0) AS n_flips,
        e.n_flaky + coalesce(f.n_chances, 0) AS n_flip_chances
    FROM ended AS e
    JOIN store.test_name AS t USING (test_no)
    LEFT JOIN flips AS f USING (test_no)
    LEFT JOIN flaked AS k USING (test_no)
    WHERE n_flips > 0
), bounded AS (
    -- Wilson 1927, z = 1.96: middle and half width
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
COMMENT ON VIEW flaky_tests IS 'One row a plan, environment, phase, suite and test that was FLAKY or changed its mind on one revision, worst first';
