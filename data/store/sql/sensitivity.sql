-- sensitivity. Grain: one row an audit run, suite, test and negative control (`fault`).
-- test_id '': a probe. outcome: of the test under the control, '' when it never ended.
-- outage: nothing works at all under the control, so that a test that stays green is weak.
-- turned_red false: the test stays green against a target that is broken on purpose.
CREATE OR REPLACE VIEW sensitivity AS
SELECT
    c.*, s.phase, s.suite, s.test_id, s.fault, s.turned_red, s.outage, s.outcome, s."at" AS audited_at
FROM store.sensitivity AS s
JOIN store.context AS c USING (run_id);
COMMENT ON VIEW sensitivity IS 'One row an audit run, suite, test and negative control: whether the test turned red';
