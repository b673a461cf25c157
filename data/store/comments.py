"""What each table and column means, kept in the database itself: every client shows it.

A column has the same meaning wherever it has the same name; where it has not, the entry names the
view, such as `phases.duration_s`.
"""

from __future__ import annotations

import duckdb

_TABLES = """
run: one row a run: what was asked for, and when it began
run_end: one row a run that ended, and why if it ended early
deploy: one row a run: what the deployer did
health: one row a run, stage and service: its state as read from the body
revision: one row a run, stage and service: the revisions that answered
phase: one row a run and phase
collected: one row a run, phase and suite: the manifest
test: one row a run, phase, suite, test and attempt
suite: one row a run, phase, suite, attempt and shard: the process
probe: one row a run, phase, probe and attempt
sample: one row a measurement
sensitivity: one row an audit run, suite, test and negative control
suite_audit: one row an audit run, phase and suite: what the audit could do with it
verdict: one row a judged run
acted: one row a run and action that the gate carried out
decision: one row a run whose verdict waited, or waits, for a person
totals: one row a run and report of totals, of a suite or of the whole run
hook_delivery: one row a request to the hook receiver
migrations: one row a migration that was applied
views: fingerprint of the views as they were made
number: one row a run: its number, in the order in which runs were first stored
place: computed: one row a run, what every view says of it
retried: computed: one row a run and test that was tried more than once: its final outcome
test_name: computed: one row a plan, environment, phase, suite and test, with a number
ended: computed: one row a run and test that ended: whether it was red or flaky
trouble: computed: one row a run and test that ended red or flaky: what was said of it
suite_count: computed: one row a run, phase and suite: how many tests ended how
missing: computed: one row a run, phase and suite: tests announced of which nothing was heard
metric: computed: one row a run, phase, probe, metric and unit: counts and percentiles
histogram: one row a run, metric and bin of 1 % of samples that retention compacted
histograms: one row a run that came with a compacted journal: what its samples came to
compacted: one row a run whose samples were compacted: how many there were
derived: fingerprint of what computed them
"""
_COLUMNS = """
n_told: tests that the report says there were
n_told_passed: of them, as the report says; NULL: it says nothing
n_told_failed: of them, as the report says; NULL: it says nothing
n_told_errors: of them, as the report says; NULL: it says nothing
n_told_skipped: of them, as the report says; NULL: it says nothing
n_unaccounted: told tests that are in none of the told parts; NULL: no part was told
told_pass_share: n_told_passed / n_told, 0 to 1; NULL without a test
told_duration_s: seconds, as the report says
is_confirmed: whether tests that are known one by one say the same; NULL: none is known
reported_totals.suite: suite that the totals are of; NULL: the whole run
reported_totals.n_tests: tests of it that are known one by one
n_flips: runs in which it was FLAKY, or ended otherwise than the run before it on the same revision
n_flip_chances: runs in which it could have flipped
flip_share: n_flips / n_flip_chances, 0 to 1
flip_share_low: lower end of the 95 % interval (Wilson) of flip_share, 0 to 1
flip_share_high: upper end of the 95 % interval (Wilson) of flip_share, 0 to 1
is_broken: red in more than 80 % of its runs: broken, not flaky
n_auto_false_promote: approved runs that a later rollback or run contradicted, where no person spoke
n_auto_false_hold: held runs that a later run contradicted, where no person spoke
superseded_by: revision set of the newer deployment that ended the run; NULL: none did
row_id: name of the request, made by the receiver
received_at: when the request came, UTC
hook_source: its name in hooks.yaml, or the path that nobody has
source_kind: github, gitlab, google, argocd or standard
client: address of the peer, which may be a proxy
delivery_id: the sender's own name of the delivery
event: what the sender calls it
http_status: what it was answered
delivery_outcome: ACCEPTED, STARTED, SAME, OLDER, IGNORED, REFUSED, SUPERSEDED or FAILED
delivery_reason: why it started nothing, empty when it did
deployed_at: when the deployment was done, by the sender's clock, UTC
delivered_revisions: service to revision, as JSON; the empty name is the whole deployment
idempotency_key: one a deployment; Prefect makes one run of it
flow_run_id: id of the run in Prefect
superseded_run_id: the run that this deployment ended
answered: how the forge that waits was answered in the end; empty while it was not
n_bytes: length of the body as far as it was read, bytes
took_ms: from the first byte of the body to the reply, ms
load_model: open (starts by a schedule) or closed (so many users)
n_processes: processes that shared the load
step: place of the step in its load, from 1
step_label: `50/s`, `50/s to 200/s` or `20 users`
step_outcome: PASS, FAIL, INVALID or NOT_RUN of the step
step_reason: the sentence of numbers behind it
step_duration_s: seconds of the step
is_invalid: the generator, not the target, was the bottleneck: the figures say nothing of the target
invalid_reason: how late the generator was; empty: it was not
asked_per_s: executions a second that should have started; NULL in the closed model or not reached
achieved_per_s: executions a second that ended, in the drain too; NULL: not reached
achieved_share: n_executions / n_intended, 0 to 1; NULL in the closed model
n_intended: executions that should have started in the step; NULL in the closed model
n_executions: executions that ended, failed ones too
load_steps.n_failed: of n_executions, how many failed
load_by_deployment.n_failed: of n_executions, how many failed; they are in no percentile
load_by_deployment.n: times that were measured of executions that passed
load_by_deployment.n_runs: runs that reached the step and are not INVALID; the figures are theirs
n_runs_invalid: runs that reached it and whose generator was the bottleneck; in no figure of the row
n_runs_not_run: runs that did not reach it
load_by_deployment.metric: from the intended start; .actual: from the actual one; NULL: none passed
n_in_flight_max: executions at once, the most
is_knee: the last step before p95 passed twice that of the first; NULL: INVALID
is_first_failing: the first step that failed; NULL: INVALID
min_ms: smallest time, ms, exact
mean_ms: arithmetic mean, ms, exact
max_ms: largest time, ms, exact
p50_ms: median by nearest rank, ms; NULL below 5 samples
p90_ms: p90 by nearest rank, ms; NULL below 10 samples
p95_ms: p95 by nearest rank, ms; NULL below 20 samples
p99_ms: p99 by nearest rank, ms; NULL below 100 samples
p99_9_ms: p99.9 by nearest rank, ms; NULL below 1,000 samples
minutes_per_check: mean time from start to end of a run for each test and probe that it saw
last_fired_at: when it last was not PASS, UTC; NULL: never
source: person (goldenpath label), rollback or later_run: what said how it turned out
note: why
labelled_by: who said so; NULL: nobody, it follows from later runs
labelled_at: when it was known, UTC
acted_at: when the gate did it, UTC
asked_verdict: what the evidence said, and a person was asked about
decision: promote or hold; hold while nobody has decided
decided_by: name of the person; empty where nobody has decided
decision_reason: why, in the person's words
decided_how: waiting, prefect (form or API), cli or time-out
decided_at: when, UTC; while it waits: since when
action_taken: rollback, promote or issue
as_expected: every reading saw the expected revision and no other; NULL: nothing says what to expect
attempt: 1 is the first; a retry is 2
audited_at: when the control was tried, UTC
broken: why the suite itself is broken (import error, no such file); empty: it is not
capabilities: what users could not do because of it
command: argv of the last attempt
counterfactual: what would have made the verdict better
coverage_expected: tests and probes that the plan expects
coverage_seen: of those, how many brought evidence
criterion: id of the criterion, as in the plan
dependencies: what the service said of the things it needs
deploy_duration_s: seconds that the deploy took
deploy_message: what the deployer said
deploy_outcome: PASS or FAIL of the deploy
deployer: kind of deployer: local, command, ...
deployment_id: the revisions that went out together; may have several runs
detail: trace or output of the failure, may be long
duration_max_s: seconds of the slowest run
duration_mean_s: seconds of a run, mean
duration_ms: milliseconds of the last attempt; what it costs, never proof that it looked
test_attempts.duration_ms: milliseconds of this attempt; what it costs, never proof that it looked
duration_p95_s: seconds of a run, p95 by nearest rank; NULL below 20 runs
duration_s: seconds of all attempts together
runs.duration_s: seconds from the start to the end of the run
phases.duration_s: seconds from the start to the end of the phase
end_reason: why it ended early; empty: it ran to its end
ended_at: when the attempt ended, UTC
environment: where it was deployed to, such as staging
error: why it could not be read; empty: it could
evidence: ids such as p1/checkout/test_pay
exit_code: of the last attempt; NULL: it had to be killed
expected: the revision that ought to serve; NULL: nothing says it
failures: at most 20, each with ordinal, step, signature, message
fault: id of the negative control
findings: what the witness noticed, such as a coroutine that nobody awaited
finished_at: when the run ended, UTC; NULL: it goes on, or was killed
first_bad_at: start of the run in which the present streak of red began, UTC
first_bad_deployment_id: deployment in which the present streak of red began
first_bad_revision: its revision
first_bad_run_id: its run
first_seen: revisions that answered at the first reading; NULL: nobody looked
first_seen_deployment: the first deployment with this signature, as history knew it then
last_seen_deployment: the newest earlier deployment with this signature; NULL for the first one
flaky_share: share 0 to 1 that was FLAKY
flaky_tests.flaky_share: n_flaky / n_runs, 0 to 1
flaky_share_low: lower end of the 95 % interval (Wilson) of flaky_share, 0 to 1; rank by it
gate_version: version of Golden Path that judged
grade: PROVEN, WITNESSED, INSENSITIVE or VACUOUS of a pass; NULL: not passed, or nobody could see
impact: whom it hurts, and how
input_hash: the same for the same plan, evidence and history
irreversible_migration: the plan says that it cannot be rolled back
is_rollback: the deployment went back to what served earlier (docs/architecture.md, Judge)
judged_at: when it was judged, UTC
kind: kind of probe: http, websocket, journey, ...
label: good or bad, as people found out later; NULL: nobody said
label_note: why
last_flaky_at: start of the last run in which it was FLAKY, UTC
last_flaky_deployment: deployment of that run
last_good_at: start of the run just before the streak in which it was good, UTC; NULL: never good
last_good_deployment_id: deployment of that run
last_good_revision: revision of that run
last_message: what it said when it was last FLAKY
last_seen: revisions that answered at the last reading; NULL: nobody looked
latency_ms: milliseconds of the last health read
likely_cause: product, test, environment or gate, and why
max: largest value, in unit
mean: arithmetic mean, in unit
measured_at: when it was measured, UTC
message: one line: what went wrong, or why it was skipped
metric: what was measured, such as journey
min: smallest value, in unit
n: samples that ended well
incidents.n: failures with this signature
probes.n: checks or journeys of the last attempt
n_attempts: how often it was tried
n_bad: runs that people labelled bad
n_collected: tests in the manifest; NULL: nothing was collected, which is not 0
n_connections: new connections to the target during the test
n_deselected: tests that the command left out on purpose
n_errors: tests that ended in ERROR: they could not be carried out
n_failed: tests that ended in FAIL or ERROR
suites.n_failed: tests that ended in FAIL
metric_by_deployment.n_failed: samples that ended in failure; they are in no percentile
probes.n_failed: of n, how many failed
n_false_hold: HOLD or ROLL_BACK, and labelled good
n_false_promote: approved, and labelled bad
n_flaky: tests that ended FLAKY: red, then a pass on retry
flaky_tests.n_flaky: runs in which it was FLAKY
flaky_tests.n_failed: runs in which it was FAIL or ERROR
n_good: runs that people labelled good
n_labelled: runs that people labelled
n_missing: tests of the manifest without any result
n_not_run: tests that did not end
n_passed: tests that ended in PASS; FLAKY is not among them
evidence_quality.n_passed: tests that ended in PASS or FLAKY
n_probes: probes by their last attempt
n_probes_failed: of those FAIL or ERROR
n_readings: how often revisions were read
n_reads: reads in this stage
n_runs: runs that are counted here
n_runs_bad: length of the streak of red, in runs
n_runs_red: runs in which it had a FAIL or ERROR
n_runs_timed_out: runs in which it ran out of time
n_skipped: tests that were skipped
n_tests: tests by their final outcome
n_unknown: passes of which nobody could see whether they touched the target
n_vacuous: passes that never touched the target
n_witnessed: passes that touched the target
not_seen: evidence that the plan expects and the run did not bring
notes: said in the report, decides nothing
ok: false: the measurement ended in failure
ordinal: place in its list
outage: nothing works under this control, so a test that stays green is weak
outcome: PASS, FAIL, ERROR, NOT_RUN, SKIPPED, or FLAKY: red, then a pass on retry
criteria.outcome: PASS, FAIL, NOT_EVALUATED, ... of the criterion
sensitivity.outcome: of the test under the control; empty: it never ended
acted.outcome: done, failed, refused or dry run
p50: median by nearest rank, in unit; NULL below 5 samples
p95: p95 by nearest rank, in unit; NULL below 20 samples
p99: p99 by nearest rank, in unit; NULL below 100 samples
pass_share: n_passed / n_tests, 0 to 1; tests that did not run count as not passed
phase: id of the phase, as in the plan
phase_finished_at: when the phase ended, UTC
phase_started_at: when the phase began, UTC; NULL: it did not, reason says why
plan: name of the plan
plan_hash: fingerprint of the plan as it was read
plan_path: file of the plan
previous: the revision that served before
priority: P1, P2 or P3
probe: id of the probe, as in the plan
probe_started_at: when its last attempt began, UTC
read_at: when it was read, UTC
ready_after_s: seconds of the gate until the service was settled as healthy; NULL: never
reason: why the phase did not start; empty: it did
reasons: sentences of numbers that decided
received_bytes: bytes from the target during the test
recommended_action: what to do about it
revenue_at_risk: amount in each revenue_per that is not proven; NULL: the plan has no revenue
revenue_currency: currency of revenue_at_risk
revenue_note: how the amount came about
revenue_per: period of revenue_at_risk: month, year, ...
revision: the one asked for, else the one the deployer names, else the only one that answered
rollback_refusals: why a rollback was not safe; empty: it was, or none was asked
rule: the rule and the numbers that decided
run_id: one validation of one deployment
s_per_red_run: seconds spent for each run in which it found something; NULL: it never did
seen: revisions that answered
seen_on_rollback_target: it failed before this deployment too: no rollback cures it
sent_bytes: bytes to the target during the test
sentence: the sentence of numbers that decided
service: name of the service
signature: one way to fail: equal for failures of one cause
stage: collect, setup, call or teardown: where the test ended
health.stage: before, gate or end
revisions.stage: start, after:<phase> or end
started_at: when the run began, UTC
state: healthy, degraded, down, ... as read from the body
status_code: HTTP status; NULL: no answer
suite: id of the suite, as in the plan
suite_started_at: when its first process began, UTC
symptom: what was seen
test_id: name of the test, as its runner says it
text: what to do
timed_out: whether any attempt ran out of time
total_duration_s: seconds of all runs together
turned_red: false: the test stayed green against a target that is broken on purpose
unit: unit of the value; latencies are in ms
unknown_share: n_unknown / n_passed, 0 to 1
vacuous_share: n_vacuous / n_passed, 0 to 1
value: the measurement, in unit
verdict: PROMOTE, PROMOTE_WITH_WATCH, HOLD, ROLL_BACK or SUPERSEDED; NULL: not judged
witnessed: whether it touched its target; NULL: nobody could see
witnessed_share: n_witnessed / n_passed, 0 to 1
wrong_share: (n_false_promote + n_false_hold) / n_labelled, 0 to 1; NULL: nothing is labelled
"""


def comment_source() -> str:
    """All of it as one text: a change of it makes the views anew."""
    return _TABLES + _COLUMNS


def write_comments(connection: duckdb.DuckDBPyConnection) -> None:
    """Comment every table and every column of a view that has a meaning here.

    Not in memory: nobody looks at what is gone in a moment.
    """
    if not _is_file(connection):
        return
    columns, statements = _entries(_COLUMNS), []
    for view, column in _columns_of_views(connection):
        meaning = columns.get(f"{view}.{column}", columns.get(column))
        if meaning:
            statements.append(f'COMMENT ON COLUMN {view}."{column}" IS {_text(meaning)}')
    for table, meaning in _entries(_TABLES).items():
        statements.append(f"COMMENT ON TABLE store.{table} IS {_text(meaning)}")
    connection.execute("; ".join(statements))


def _is_file(connection: duckdb.DuckDBPyConnection) -> bool:
    sql = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    row = connection.execute(sql).fetchone()
    return row is not None and row[0] is not None


def _columns_of_views(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE schema_name = 'main' AND NOT internal ORDER BY ALL"
    ).fetchall()


def _entries(text: str) -> dict[str, str]:
    lines = (line.partition(": ") for line in text.strip().splitlines())
    return {name: meaning for name, _, meaning in lines}


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
