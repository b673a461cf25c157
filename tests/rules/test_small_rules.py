"""What the small rules do at their edges: exact limits, odd files, deep and hostile documents."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import PlanError
from data.records.plan import Capability
from data.records.units import parse_money
from data.rules.compare import Word, compare
from data.rules.dossier import read_dossier
from data.rules.grammar import parse_rule
from data.rules.money import money_faults, share_at_risk
from data.rules.numbers import read_numbers
from data.rules.paths import look_up
from data.rules.planning.load import load_plan
from tests.rules.test_money import revenue
from tests.rules.test_planning import PLAN, edit, faults, line_of, load

PROCESSES = """\
deploy:
  deployer: local
  env: {SHARED: "{{services.api.url}}"}
  processes:
    api:
      command: [serve, "{{port}}", "{{data_dir}}"]
      env: {HOME: "{{data_dir}}"}
"""
LOCAL = PLAN.split("deploy:")[0] + PROCESSES + "health:" + PLAN.split("health:")[1]


@given(st.sampled_from([1, 2, 5, 8, 16, 20, 25, 40, 50, 100, 200, 1000]), st.data())
def test_a_share_reaches_the_limit_that_it_equals(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    text = f"{100 * k / n:.6f}"
    assert Fraction(text) == Fraction(100 * k, n)  # a limit that a plan can write
    assert parse_rule(f"pass_share(x) >= {text} %").holds(k / n)
    assert parse_rule(f"pass_share(x) == {text} %").holds(k / n)
    assert not parse_rule(f"pass_share(x) > {text} %").holds(k / n)


def test_nineteen_of_twenty_are_95_percent() -> None:
    assert parse_rule("pass_share(x) >= 95 %").holds(19 / 20)
    assert not parse_rule("pass_share(x) >= 95 %").holds(18 / 20)
    assert parse_rule("p95(x) <= 0.29 s").limit == 290.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\ufeff1\n2", [1.0, 2.0]),  # a spreadsheet's byte order mark hides no number
        ("\ufeff[1, 2]", [1.0, 2.0]),
        ("\ufefflatency\n2", [2.0]),
    ],
)
def test_a_byte_order_mark_is_no_header(text: str, found: list[float]) -> None:
    assert read_numbers(text, "f") == found


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("\n\n1\nx", 4, "got 'x'"),  # blank lines count
        ("[1" + "0" * 400 + "]", 0, "expected a finite number"),
        ("[" * 100_000, 0, "not readable JSON"),
        ("x" * 140_000, 0, "not readable CSV"),
    ],
)
def test_odd_numbers_are_faults_and_no_crash(text: str, line: int, said: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_numbers(text, "f")
    (fault,) = caught.value.faults
    assert (fault.line, said in fault.message) == (line, True)


def test_a_dossier_without_a_bottom_is_refused() -> None:
    with pytest.raises(PlanError, match="not readable JSON"):
        read_dossier("[" * 100_000, "f")


def test_a_digit_that_is_no_number_leads_nowhere() -> None:
    assert look_up([1], "²") is None
    with pytest.raises(PlanError, match="the plan has no such place"):
        load_plan(PLAN, "p", {}, overrides={"phases.²": "x"})


def test_money_has_an_end() -> None:
    for endless in (float("inf"), float("nan")):
        with pytest.raises(ValueError, match="expected an amount"):
            parse_money(endless)


def test_parts_that_make_up_the_whole_fit() -> None:
    whole = revenue(0.3, P1=("0.1", "USD", "year"), P2=("0.2", "USD", "year"))
    assert money_faults(whole) == []
    for each in range(1, 500):
        assert money_faults(revenue(7 * each, "week", P1=(str(each), "USD", "day"))) == []


shares = st.floats(0, 1)


@given(shares, shares, st.booleans())
def test_what_lies_inside_adds_nothing_to_what_is_at_risk(
    outer: float, part: float, both: bool
) -> None:
    plan = {
        "all": Capability.model_construct(title="", share=outer, within=None),
        "some": Capability.model_construct(title="", share=outer * part, within="all"),
    }
    unproven = ["all", "some"] if both else ["all"]
    assert share_at_risk(plan, unproven) == outer
    assert share_at_risk(plan, ["some"]) <= outer


def test_a_slowdown_of_a_fifth_is_seen_through_the_noise() -> None:
    for seed in range(50):
        draw = random.Random(seed)
        base = [draw.gauss(100, 3) for _ in range(24)]
        slow = [draw.gauss(120, 3.6) for _ in range(24)]
        assert compare(base, slow).word is Word.WORSE
        assert compare(slow, base).word is Word.BETTER


# old text, new text, the line's mark, the path, the message
MORE_BROKEN = {
    "phases of one id": ("criteria:\n", "  - {id: core, priority: P2, probes: [{id: b, kind: http, request: {url: 'http://x'}}]}\ncriteria:\n", "- {id: core", "phases[1].id", "'core' is used 2 times"),
    "criteria of one id": ("rollback: {", "  - {id: fast, priority: P3, rule: failed(core) == 0}\nrollback: {", "P3", "criteria[1].id", "'fast' is used 2 times"),
    "capability of a probe": ("kind: journey", "kind: journey\n        proves: [sell]", "[sell]", "phases[0].probes[0].proves", "unknown capability 'sell'"),
    "capability of a criterion": ("id: fast,", "id: fast, proves: [sell],", "fast", "criteria[0].proves", "unknown capability 'sell'"),
    "template in a suite's env": ("        proves: [buy]", '        proves: [buy]\n        env: {X: "{{nope}}"}', "nope", "phases[0].suites[0].env.X", "{{nope}}"),
    "template in the deployer's env": ("REGION: eu", 'REGION: "{{nope}}"', "nope", "deploy.env.REGION", "{{nope}}"),
    "part of a capability of no share": ("share: 60 %}", "share: 0 %}\n  pay: {share: 70 %, within: buy}", "pay", "capabilities.pay.within", "70% does not fit into the 0% of 'buy'"),
    "money without an end": ("500K", ".inf", "inf", "revenue.amount", "got inf"),
    "address without a host": ("http://api", "http://", "api:", "services.api.url", "a host and a port"),
    "port above the last": ("http://api", "http://api:99999", "99999", "services.api.url", "a host and a port"),
    "port that is a word": ("http://api", "http://api:http", "api:http", "services.api.url", "a host and a port"),
    "address of no IPv6": ("http://api", "http://[api", "[api", "services.api.url", "a host and a port"),
    "number that is none": ("REGION: eu", "REGION: !!int eu", "REGION", "deploy.env.REGION", "'eu' is no int"),
    "truth that is none": ("REGION: eu", "REGION: !!bool eu", "REGION", "deploy.env.REGION", "'eu' is no bool"),
    "number without an end": ("{deadline: 15s}", "{consecutive: " + "9" * 5000 + "}", "consecutive", "health.consecutive", "is no int"),
    "merge of itself": ("  env:\n    REGION", "  env: &e\n    <<: *e\n    REGION", "env: &e", "deploy.env", "the document refers to itself"),
}  # fmt: skip


@pytest.mark.parametrize("case", MORE_BROKEN)
def test_more_faults_have_their_line_and_place(case: str) -> None:
    old, new, mark, path, message = MORE_BROKEN[case]
    text = edit(old, new)
    (fault,) = [f for f in faults(text) if f.path == path]
    assert message in fault.message
    assert fault.line == line_of(text, mark)


def test_the_folder_of_the_deployer_must_be_there() -> None:
    text = edit("  command: [deploy]", "  command: [deploy]\n  cwd: away")
    (fault,) = faults(text, missing=("away",))
    assert (fault.path, fault.line) == ("deploy.cwd", line_of(text, "cwd: away"))


def test_a_merge_may_merge_in_its_turn() -> None:
    text = edit("    REGION: eu", "    <<: [{<<: {A: x, B: x}, B: y}, {C: z}]\n    REGION: eu")
    env = load(text).deploy.model_dump()["env"]
    assert env == {"A": "x", "B": "y", "C": "z", "REGION": "eu"}


def test_merges_do_not_grow_without_bound() -> None:
    levels = [f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, 40)]
    text = "\n".join(["m0: &m0 {a: b}", *levels])
    assert any("grows without bound" in f.message for f in faults(text))


@pytest.mark.parametrize("n", [101, 5_000, 300_000])
def test_a_plan_without_a_bottom_is_refused(n: int) -> None:
    (fault,) = faults("[" * n + "]" * n)
    assert (fault.message, fault.line) == ("more than 100 levels deep", 1)


def test_processes_know_their_folder_and_port() -> None:
    assert load(LOCAL).deploy.deployer == "local"


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('"{{port}}"', '"{{prot}}"', "deploy.processes.api.command[1]"),
        ('HOME: "{{data_dir}}"', 'HOME: "{{port}}"', "deploy.processes.api.env.HOME"),
        ("{{services.api.url}}\"}\n  proc", "{{services.web.url}}\"}\n  proc", "deploy.env.SHARED"),
        ("    api:\n", "    web:\n", "deploy.processes"),
    ],
)  # fmt: skip
def test_processes_name_what_there_is(old: str, new: str, path: str) -> None:
    assert LOCAL.count(old) == 1
    (fault,) = faults(LOCAL.replace(old, new))
    assert fault.path == path
    assert fault.line > 0
