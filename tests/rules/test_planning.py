"""A broken plan tells every fault at once, with its line and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from data.errors import Fault, PlanError
from data.records.plan import Plan
from data.rules.planning.load import load_plan
from data.rules.planning.schema import plan_schema

ROOT = Path(__file__).parents[2]
PLAN = """\
plan: shop
environment: staging
services:
  api: {url: "http://api", revision: {json: revision}}
deploy:
  deployer: command
  command: [deploy]
  rollback: [undo]
  env:
    REGION: eu
health: {deadline: 15s}
capabilities:
  buy: {share: 60 %}
revenue:
  amount: 500K
  currency: USD
  per: year
phases:
  - id: core
    priority: P1
    suites:
      - id: checkout
        command: [pytest, suites/checkout]
        proves: [buy]
    probes:
      - id: ask
        kind: journey
        repeat: 20
        steps:
          - http:
              request: {url: "{{services.api.url}}/x"}
              metric: message
criteria:
  - {id: fast, priority: P2, rule: p95(message) < 2 s}
rollback: {armed: true}
"""
Environ = Mapping[str, str]
UNSET: Environ = {}


def load(text: str, environ: Environ = UNSET, missing: tuple[str, ...] = (), **sets: str) -> Plan:
    overrides = {key.replace("__", "."): value for key, value in sets.items()}
    return load_plan(text, "plan.yaml", environ, lambda path: path not in missing, overrides)


def faults(
    text: str, environ: Environ = UNSET, missing: tuple[str, ...] = (), **sets: str
) -> tuple[Fault, ...]:
    with pytest.raises(PlanError) as caught:
        load(text, environ, missing, **sets)
    return caught.value.faults


def edit(old: str, new: str) -> str:
    assert PLAN.count(old) == 1, old
    return PLAN.replace(old, new)


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


# what stands there -> what is written instead, the line's mark, the path, the message, the hint
BROKEN: dict[str, tuple[str, str, str, str, str, str]] = {
    "unknown key at the top": ("health: {dead", "helth: {dead", "helth", "helth", "unknown key 'helth'", "did you mean 'health'?"),
    "unknown key in a map": ("health: {deadline:", "health: {dedline:", "dedline", "health.dedline", "unknown key 'dedline'", "did you mean 'deadline'?"),
    "unknown key in a service": ("revision: {json:", "revison: {json:", "revison", "services.api.revison", "unknown key 'revison'", "did you mean 'revision'?"),
    "unknown key in a suite": ("        proves: [buy]", "        proves: [buy]\n        tiemout: 5s", "tiemout", "phases[0].suites[0].tiemout", "unknown key 'tiemout'", "did you mean 'timeout'?"),
    "unknown key in a probe": ("kind: journey", "kind: journey\n        repeats: 3", "repeats", "phases[0].probes[0].repeats", "unknown key 'repeats'", "did you mean 'repeat'?"),
    "unknown key in a step's request": ("metric: message", "metrik: message", "metrik", "phases[0].probes[0].steps[0].http.metrik", "unknown key 'metrik'", "did you mean 'metric'?"),
    "unknown key in the deploy union": ("  rollback: [undo]", "  rolback: [undo]", "rolback", "deploy.rolback", "unknown key 'rolback'", "did you mean 'rollback'?"),
    "unknown key like none": ("health: {deadline: 15s}", "health: {xyzzy: 15s}", "xyzzy", "health.xyzzy", "unknown key 'xyzzy'", "allowed here: consecutive, deadline, interval"),
    "missing key": ("environment: staging\n", "", "plan: shop", "environment", "the key 'environment' is missing", ""),
    "missing key in a phase": ("    priority: P1\n", "", "- id: core", "phases[0].priority", "the key 'priority' is missing", ""),
    "unset variable": ("http://api", "http://${HOST}", "HOST", "services.api.url", "the variable HOST is not set", "set it, or give a default: ${HOST:-value}"),
    "duplicate key": ("    REGION: eu", "    REGION: eu\n    REGION: us", "REGION: us", "deploy.env.REGION", "the key 'REGION' is given twice", ""),
    "duration without a unit": ("deadline: 15s", "deadline: 15", "deadline", "health.deadline", "expected a duration with a unit such as 500ms, 30s or 5m, got 15", ""),
    "share without a percent sign": ("share: 60 %", "share: 0.6", "share", "capabilities.buy.share", "expected a share from 0 % to 100 %, such as 95 %, got 0.6", ""),
    "share above the whole": ("share: 60 %", "share: 160 %", "share", "capabilities.buy.share", "got '160 %'", ""),
    "money that is none": ("amount: 500K", "amount: lots", "amount", "revenue.amount", "expected an amount such as 120000 or 120K, got 'lots'", ""),
    "money below zero": ("amount: 500K", "amount: -5", "amount", "revenue.amount", "got -5", ""),
    "word outside its vocabulary": ("priority: P1", "priority: P4", "P4", "phases[0].priority", "'P1', 'P2' or 'P3', got 'P4'", ""),
    "address that is none": ("http://api", "ftp://api", "ftp", "services.api.url", "expected an http:// or https:// address", ""),
    "unknown deployer": ("deployer: command", "deployer: magic", "deploy:", "deploy", "'none', 'command', 'local'", ""),
    "id with a space": ("id: core", "id: the core", "the core", "phases[0].id", "got 'the core'", ""),
    "list instead of a map": ("health: {deadline: 15s}", "health: [15s]", "health:", "health", "got ['15s']", ""),
    "unknown function": ("p95(message)", "average(message)", "average", "criteria[0].rule", "unknown function 'average'", ""),
    "wrong unit": ("< 2 s}", "< 2 %}", "2 %", "criteria[0].rule", "p95 takes ms or s, got '%'", ""),
    "not a rule": ("p95(message) < 2 s", "be fast", "be fast", "criteria[0].rule", "expected a rule such as", ""),
    "p95 of too few": ("p95(message) < 2 s", "p99(message) < 2 s", "p99", "criteria[0].rule", "it can never be evaluated: p99(message) needs 100 samples, and the plan makes at most 20", "raise `repeat`"),
    "more samples than there are": ("rule: p95(message) < 2 s", "samples: 21, rule: p95(message) < 2 s", "rule", "criteria[0].rule", "needs 21 samples", "raise `repeat`"),
    "criterion that cannot fire": ("p95(message) < 2 s", "p95(message) < 2 s or median(message) >= 0 s", "p95", "criteria[0].rule", "it can never fire: every result satisfies it", "leave it out"),
    "criterion that always fires": ("p95(message) < 2 s", "p95(message) < 2 s and p95(message) > 3 s", "p95", "criteria[0].rule", "it always fires: no result can satisfy it", "set a limit"),
    "warning that cannot fire": ("rule: p95(message) < 2 s", "rule: p95(message) < 2 s, warn: max(message) >= 0 ms", "warn", "criteria[0].warn", "it can never fire", "leave it out"),
    "P1 without evidence": ("priority: P2, rule", "priority: P1, no_data: watch, rule", "no_data", "criteria[0].no_data", "without evidence a criterion of P1 holds", "leave it out"),
    "proof in dry run": ("rule: p95(message) < 2 s", "rule: p95(message) < 2 s, dry_run: true, proves: [buy]", "dry_run", "criteria[0].dry_run", "cannot prove buy", "leave one of the two out"),
    "window of tests": ("rule: p95(message) < 2 s", "rule: failed(core) == 0, window: 5m", "window", "criteria[0].window", "a window is a span of samples", "leave it out"),
    "shift the wrong way round": ("p95(message) < 2 s", "shift(message) > 8 %", "shift", "criteria[0].rule", "shift takes < or <=", ""),
    "criterion that nothing feeds": ("p95(message)", "p95(massage)", "massage", "criteria[0].rule", "nothing feeds the criterion: no metric is named 'massage'", "the plan has: message"),
    "criterion over no phase": ("p95(message) < 2 s", "failed(cor) == 0", "cor)", "criteria[0].rule", "no phase, suite or probe is named 'cor'", "the plan has: ask, checkout, core"),
    "unknown capability": ("proves: [buy]", "proves: [buy, sell]", "proves", "phases[0].suites[0].proves", "unknown capability 'sell'", "the plan has: buy"),
    "unknown service": ("        proves: [buy]", "        proves: [buy]\n        targets: [db]", "targets", "phases[0].suites[0].targets", "unknown service 'db'", "the plan has: api"),
    "capability that nothing proves": ("share: 60 %}", "share: 60 %}\n  sell: {share: 10 %}", "sell", "capabilities.sell", "nothing proves the capability 'sell'", "add `proves: [sell]` to a suite or probe"),
    "capability within none": ("share: 60 %", "share: 60 %, within: all", "within", "capabilities.buy.within", "unknown capability 'all'", "the plan has: buy"),
    "capability within itself": ("share: 60 %", "share: 60 %, within: buy", "within", "capabilities.buy.within", "'buy' lies inside itself", "break the circle"),
    "suite and probe of one name": ("id: ask", "id: checkout", "- id: checkout\n        kind", "phases[0].probes[0].id", "the id 'checkout' is used 2 times", "ids are unique"),
    "phase without suites and probes": ("phases:\n", "phases:\n  - {id: idle, priority: P3}\n", "idle", "phases[0]", "phase 'idle' has no suites and no probes", "an empty phase proves nothing"),
    "part above the whole": ("  per: year", "  per: year\n  protected:\n    P1: {amount: 120K, currency: USD, per: month}", "P1: {", "revenue.protected.P1", "P1 protects 120,000 USD a month = 1,440,000 USD a year, more than the whole of 500,000 USD a year", ""),
    "part in another currency": ("  per: year", "  per: year\n  protected:\n    P1: {amount: 1K, currency: EUR, per: month}", "P1: {", "revenue.protected.P1", "P1 protects 1,000 EUR a month but revenue is in USD", ""),
    "rollback that the deployer cannot do": ("  rollback: [undo]\n", "", "armed", "rollback.armed", "the deployer 'command' cannot roll back", "give deploy.rollback a command, or disarm the rollback"),
    "unknown template in a probe": ("{{services.api.url}}/x", "{{services.app.url}}/x", "- id: ask", "phases[0].probes[0]", "nothing defines the template {{services.app.url}}", "capture it in an earlier step"),
    "unknown template in a suite": ("[pytest, suites/checkout]", '[pytest, "{{region}}"]', "region", "phases[0].suites[0].command[1]", "nothing defines the template {{region}}", "known: environment, revision, run_id, services.api.host"),
    "step with two verbs": ("              metric: message", "              metric: message\n            think: 1s", "- http", "phases[0].probes[0].steps[0]", "expected exactly one of http", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_fault_has_its_line_its_place_and_a_hint(case: str) -> None:
    old, new, mark, path, message, hint = BROKEN[case]
    text = edit(old, new)
    (fault, *others) = [f for f in faults(text) if f.path == path]
    assert message in fault.message
    assert hint in fault.hint
    assert fault.line == line_of(text, mark.splitlines()[0] if "kind" not in mark else "kind") - (
        "kind" in mark
    )
    assert fault.file == "plan.yaml"
    assert not others


@pytest.mark.parametrize("case", BROKEN)
def test_one_mistake_is_told_without_a_flood(case: str) -> None:
    old, new, *_ = BROKEN[case]
    assert len(faults(edit(old, new))) <= 2  # the mistake, and at most what it starves


NO_PLAN = [
    ("", 1, "got an empty file"),
    ("# nothing yet\n", 1, "got an empty file"),
    ("- plan\n- other\n", 1, "got a list"),
    ("just text", 1, "got a str"),
    ("plan: [\n", 2, "this is not readable YAML"),
    ("plan: a\n\tb: c\n", 2, "this is not readable YAML"),
    ("plan: a\nplan b\n", 3, "this is not readable YAML"),
    ("a: *nobody", 1, "this is not readable YAML"),
    ("plan: \x00", 0, "this is not readable YAML"),
    ("a: &x [*x]", 1, "the document refers to itself or grows without bound"),
    ("&x\nplan: *x", 1, "the document refers to itself"),
    ("a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
     "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
     "e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n", 1, "grows without bound"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), NO_PLAN)
def test_what_is_no_plan_is_refused_in_words(text: str, line: int, message: str) -> None:
    found = [f for f in faults(text) if message in f.message]
    assert found
    assert found[0].line == line or "bound" in message


def test_all_faults_come_at_once_in_order_of_lines() -> None:
    text = PLAN
    for old, new in (
        ("environment: staging", "enviroment: staging"),
        ("http://api", "http://${HOST}"),
        ("REGION: eu", "PASSWORD: eu"),
        ("deadline: 15s", "deadline: 15"),
        ("share: 60 %", "share: 60"),
        (
            "  per: year",
            "  per: year\n  protected:\n    P1: {amount: 120K, currency: USD, per: month}",
        ),
        ("proves: [buy]", "proves: [buy, sell]"),
        ("metric: message", "metric: massage"),
    ):
        text = text.replace(old, new)
    found = faults(text, missing=("./suites/checkout",))
    told = {f.path for f in found}
    assert told >= {
        "environment", "enviroment", "services.api.url", "deploy.env.PASSWORD", "health.deadline",
        "capabilities.buy.share", "revenue.protected.P1", "phases[0].suites[0].proves",
        "phases[0].suites[0].command[1]", "criteria[0].rule",
    }  # fmt: skip
    assert [f.line for f in found] == sorted(f.line for f in found)
    assert len(told) == len(found)


@pytest.mark.parametrize(
    ("text", "environ", "value"),
    [
        ("${HOST}", {"HOST": "http://h"}, "http://h"),
        ("${HOST:-http://d}", {}, "http://d"),
        ("${HOST:-http://d}", {"HOST": ""}, "http://d"),
        ("${HOST:-http://d}", {"HOST": "http://h"}, "http://h"),
        ("http://x/$${HOST}", {}, "http://x/${HOST}"),
        ("http://${A}${B:-}", {"A": "a"}, "http://a"),
        ("http://x/$HOST", {}, "http://x/$HOST"),
    ],
)
def test_variables_are_filled_in(text: str, environ: Environ, value: str) -> None:
    assert load(edit("http://api", text), environ).services["api"].url == value


def test_an_expanded_number_is_a_number_and_a_quoted_one_is_text() -> None:
    assert load(PLAN + "fence_reads: ${N:-7}\n").fence_reads == 7
    assert faults(PLAN + 'fence_reads: "${N:-x}"\n')[0].path == "fence_reads"


def test_an_empty_variable_is_set() -> None:
    assert load(edit("REGION: eu", "REGION: ${R}"), {"R": ""}).deploy.model_dump()["env"] == {
        "REGION": ""
    }


def test_anchors_and_merges_are_read() -> None:
    text = edit("    REGION: eu", "    <<: {REGION: us, ZONE: a}\n    REGION: eu")
    assert load(text).deploy.model_dump()["env"] == {"ZONE": "a", "REGION": "eu"}
    text = edit("    REGION: eu", "    REGION: &r eu\n    ZONE: *r")
    assert load(text).deploy.model_dump()["env"] == {"REGION": "eu", "ZONE": "eu"}
    text = edit("    REGION: eu", "    <<: [{A: x}, {A: y, B: z}]")
    assert load(text).deploy.model_dump()["env"] == {"A": "x", "B": "z"}
    (fault,) = faults(edit("    REGION: eu", "    <<: text"))
    assert "<<: expects a mapping" in fault.message


CLEAR = [
    ("REGION: eu", "PASSWORD: x"),
    ("REGION: eu", "DB_PASSWORD: hunter2"),
    ("REGION: eu", "JWT_SECRET: ${JWT_SECRET:-hunter2}"),
    ("REGION: eu", "API_KEY: abc"),
    ("REGION: eu", "TOKEN: abc"),
    ("REGION: eu", "API_TOKEN: abc"),
    ("REGION: eu", 'AUTH: "Bearer abcdef1234567890"'),
    ("REGION: eu", 'AUTH: "Bearer ${T:-abcdef1234567890}"'),
    ("REGION: eu", "JWT: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0xyz.abcdef"),
    ("REGION: eu", "DATABASE: postgres://user:pass@db/x"),
    ("REGION: eu", "DATABASE: postgres://user:${P:-pass}@db/x"),
    ("REGION: eu", "KEY: AKIAABCDEFGHIJKLMNOP"),
    ("REGION: eu", "NOTE: |\n      -----BEGIN RSA PRIVATE KEY-----\n      abc"),
    ("http://api", "http://user:pass@api"),
    ('/x"}', '/x", headers: {Authorization: "Bearer abcdef1234567890"}}'),
    ('/x"}', '/x", method: POST, json: {password: hunter2}}'),
    ("[deploy]", "[deploy, --key=ghp_abcdefghijklmnopqrstuvwxyz0123456789]"),
]


@pytest.mark.parametrize(("old", "new"), CLEAR)
def test_a_secret_in_clear_is_a_fault(old: str, new: str) -> None:
    found = [f for f in faults(edit(old, new)) if f.message == "a secret is written in clear"]
    assert [f.hint for f in found] == ["refer to an environment variable instead: ${NAME}"]
    assert found[0].line > 0


NOT_CLEAR = [
    ("metric: message", "metric: message\n              capture: {access_token: access_token, password: user.password}"),
    ("metric: message", "metric: message\n              expect: {json: {token: {not_empty: true}, access_token: abc}}"),
    ('/x"}', '/x", method: POST, json: {password: "{{random_password}}"}}'),
    ('/x"}', '/x", headers: {Authorization: "Bearer {{nonce}}{{services.api.url}}"}}'),
    ("REGION: eu", "TOKEN: ${TOKEN}"),
    ("REGION: eu", "API_KEY: ${TOKEN}"),
    ("REGION: eu", "PASSWORD: ${EMPTY:-}"),
    ("REGION: eu", 'AUTH: "Bearer ${TOKEN}"'),
    ("REGION: eu", "DATABASE: postgres://user:${TOKEN}@db/x"),
    ("REGION: eu", "PASSWORD_FILE: /run/secrets/x"),
    ("REGION: eu", "TOKEN_TYPE: Bearer"),
    ("http://api", "http://api:8080/a@b"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), NOT_CLEAR)
def test_a_reference_to_a_secret_is_no_secret(old: str, new: str) -> None:
    load(edit(old, new), {"TOKEN": "s3cret"})


def test_paths_of_suites_must_be_there() -> None:
    (fault,) = faults(PLAN, missing=("./suites/checkout",))
    assert (fault.path, fault.line) == (
        "phases[0].suites[0].command[1]",
        line_of(PLAN, "suites/checkout"),
    )
    assert "the suite path 'suites/checkout' does not exist" in fault.message
    text = edit("        proves: [buy]", "        proves: [buy]\n        cwd: away")
    (fault,) = faults(text, missing=("away",))
    assert (fault.path, fault.hint) == (
        "phases[0].suites[0].cwd",
        "paths are relative to the plan's folder",
    )


@pytest.mark.parametrize(
    "command", ["[pytest, -k, a/b]", "[make, suites/none]", "[pytest, --tb=short]", '[pytest, "{{run_id}}/x.py"]']
)  # fmt: skip
def test_what_is_no_path_is_not_looked_for(command: str) -> None:
    load(
        edit("[pytest, suites/checkout]", command),
        missing=("./a/b", "./suites/none", "./{{run_id}}/x.py"),
    )


def test_shares_of_separate_capabilities_fit_into_the_whole() -> None:
    text = edit("share: 60 %}", "share: 60 %}\n  sell: {share: 50 %}").replace(
        "[buy]", "[buy, sell]"
    )
    (fault,) = faults(text)
    assert (fault.path, fault.line) == ("capabilities", line_of(text, "capabilities:"))
    assert "the shares add up to 110 %" in fault.message.replace("%", " %").replace("  ", " ")
    load(text.replace("share: 50 %", "share: 50 %, within: buy"))


def test_a_part_of_a_capability_fits_into_it() -> None:
    text = edit("share: 60 %}", "share: 60 %}\n  pay: {share: 70 %, within: buy}").replace(
        "[buy]", "[buy, pay]"
    )
    (fault,) = faults(text)
    assert (fault.path, "70% does not fit into the 60% of 'buy'" in fault.message) == (
        "capabilities.pay.within",
        True,
    )


def test_a_plan_that_deploys_nothing_cannot_roll_back() -> None:
    text = PLAN.split("deploy:")[0] + "deploy: {deployer: none}\nhealth:" + PLAN.split("health:")[1]
    (fault,) = faults(text)
    assert (fault.path, fault.message) == ("rollback.armed", "the deployer 'none' cannot roll back")


def test_set_replaces_values_at_any_depth() -> None:
    plan = load(
        PLAN,
        health__deadline="5s",
        phases__0__suites__0__timeout="7s",
        fence_reads="3",
        deploy__env="{A: b}",
    )
    assert (plan.health.deadline, plan.phases[0].suites[0].timeout, plan.fence_reads) == (5, 7, 3)
    assert plan.deploy.model_dump()["env"] == {"A": "b"}
    bracketed = load_plan(PLAN, "p", {}, overrides={"phases[0].suites[0].timeout": "7s"})
    assert bracketed.phases[0].suites[0].timeout == 7


def test_set_replaces_what_was_wrong_too() -> None:
    text = edit("http://api", "http://${HOST}").replace("REGION: eu", "PASSWORD: x")
    plan = load(text, services__api__url="http://b", deploy__env="{A: b}")
    assert plan.services["api"].url == "http://b"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("phases.7.id", "x", "--set phases.7.id: the plan has no such place"),
        ("plan.deep.er", "x", "the plan has no such place"),
        ("", "x", "expected a dotted path before the ="),
        ("helth.deadline", "5s", "unknown key 'helth'"),
        ("health.dedline", "5s", "unknown key 'dedline'"),
        ("health.deadline", "5", "expected a duration with a unit"),
        ("health.deadline", "[5", "this is not readable YAML"),
        ("health.deadline", "${X}", "the variable X is not set"),
        ("deploy.env.PASSWORD", "x", "a secret is written in clear"),
    ],
)  # fmt: skip
def test_set_cannot_smuggle_in_a_fault(key: str, value: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        load_plan(PLAN, "p", {}, overrides={key: value})
    assert any(message in f.message for f in caught.value.faults)


def test_the_schema_lets_an_editor_complete_a_plan() -> None:
    schema = plan_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"plan", "environment", "services", "phases"}
    keys = {
        "deploy",
        "health",
        "criteria",
        "capabilities",
        "revenue",
        "rollback",
        "baseline",
        "budget",
    }
    assert keys <= set(schema["properties"])
    names = set(schema["$defs"])
    assert all(ref.rsplit("/", 1)[-1] in names for ref in _refs(schema))


def _refs(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in _refs(item)]
    return [ref for item in value for ref in _refs(item)] if isinstance(value, list) else []


def test_the_good_plan_and_the_reference_plan_have_no_fault() -> None:
    load(PLAN)
    path = ROOT / "examples" / "staging" / "plan.yaml"
    plan = load_plan(path.read_text(), str(path), {}, lambda p: (path.parent / p).exists())
    assert plan.plan == "staging-golden-path"
