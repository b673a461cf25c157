-- store.in_force: of each run and audited suite the newest audit of its plan before the run, as the
-- judge has it, and how old an answer of it may be. Grain: one row a run and suite that had an audit.
-- Not documented for analysts: `tests.grade` is made of it.
CREATE OR REPLACE VIEW store.in_force AS
WITH ordered AS (
    SELECT run_no, run_id, plan, started_at, row_number() OVER (ORDER BY started_at, run_id) AS nth
    FROM store.place
), audits AS (
    SELECT DISTINCT o.plan, s.suite, s.run_id, o.nth
    FROM store.sensitivity AS s JOIN ordered AS o USING (run_id)
), wanted AS (
    SELECT o.*, u.suite
    FROM ordered AS o JOIN (SELECT DISTINCT plan, suite FROM audits) AS u USING (plan)
)
SELECT
    w.run_no, w.suite, a.run_id AS audit_run_id,
    epoch_us(w.started_at) - 1e6 * coalesce(
        CASE WHEN json_valid(r.plan_json)
             THEN TRY_CAST(json_extract_string(r.plan_json, '$.audit.max_age') AS DOUBLE) END,
        2592000) AS oldest_us -- 30 days, the plan's default
FROM wanted AS w
ASOF JOIN audits AS a ON a.plan = w.plan AND a.suite = w.suite AND w.nth > a.nth
JOIN store.run AS r ON r.run_id = w.run_id;

-- store.audited: what an audit says of each test. Grain: one row an audit, suite and test.
CREATE OR REPLACE VIEW store.audited AS
SELECT
    run_id AS audit_run_id, suite, test_id, max(epoch_us("at")) AS tried_us,
    max(epoch_us("at")) FILTER (turned_red) AS red_us
FROM store.sensitivity
GROUP BY ALL;
