"""Laws of what known runners mean: nothing that they write turns a failure into a pass.

Each row is a small file in the words of one runner, by hand, after what it really wrote for a suite
with one test for each way to end.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from data.rules.readers.result_names import Ids
from tests.readers.test_result_files import junit, read

Row = tuple[str, str, list[tuple[str, str, str]]]


def playwright(cases: str, n: int, project: str = "") -> str:
    suite = f'<testsuite name="a.spec.js" hostname="{project}" tests="{n}">{cases}</testsuite>'
    return f'<testsuites id="" name="" tests="{n}">{suite}</testsuites>'


def noted(name: str, note: str, inside: str = "") -> str:
    properties = f'<properties><property name="{note}" value="why"/></properties>' if note else ""
    return f'<testcase name="{name}" classname="a.spec.js">{properties}{inside}</testcase>'


def pytest_file(cases: str, counts: str) -> str:
    return f'<testsuites name="pytest tests"><testsuite name="pytest" {counts}>{cases}</testsuite></testsuites>'


def node(cases: str) -> str:
    return f"<testsuites>{cases}</testsuites>"


SKIP = "<skipped/>"
JUNIT: list[Row] = [
    ("Playwright says why it skips",
     playwright(noted("a", "skip", SKIP) + noted("b", "fixme", SKIP), 2),
     [("a.spec.js::a", "SKIPPED", "why"), ("a.spec.js::b", "SKIPPED", "why")]),
    ("what Playwright skips without a word did not run: global time-out, max failures, a hook",
     playwright(noted("a", "", SKIP) + noted("b", "issue", SKIP), 2),
     [("a.spec.js::a", "NOT_RUN", "did not run: its runner skipped it and names no reason"),
      ("a.spec.js::b", "NOT_RUN", "did not run: its runner skipped it and names no reason")]),
    ("a Playwright test that is expected to fail is no pass",
     playwright(noted("a", "fail"), 1, "webkit"),
     [("webkit/a.spec.js::a", "SKIPPED", "xfail: why")]),
    ("a Playwright test that was expected to fail and passed is red",
     playwright(noted("a", "fail", "<failure message='a.spec.js:7:1 a'/>"), 1),
     [("a.spec.js::a", "FAIL", "expected to fail, but passed or failed in another way")]),
    ("a Playwright retry is flaky where the file tells it",
     playwright(noted("a", "", '<flakyError message="first" type="Error"><stackTrace>Error: first</stackTrace></flakyError>'), 1),
     [("a.spec.js::a", "FLAKY", "passed after 1 reruns inside the suite")]),
    ("the machine's name is no part of a vitest id",
     '<testsuites name="vitest tests"><testsuite name="a.test.mjs" hostname="vm-17"><testcase classname="a.test.mjs" name="cart &gt; adds"/></testsuite></testsuites>',
     [("a.test.mjs::cart > adds", "PASS", "")]),
    ("pytest's reruns look like passes: the second of an id is flaky",
     pytest_file('<testcase classname="t" name="a"/><testcase classname="t" name="a"/>', 'tests="1"'),
     [("t::a", "PASS", ""),
      ("t::a#2", "FLAKY", "passed after a rerun inside the suite: the file keeps no result of the attempt before")]),
    ("pytest's rerun that fails again is red",
     pytest_file('<testcase classname="t" name="a"/><testcase classname="t" name="a"><failure message="no"/></testcase>', 'tests="1" failures="1"'),
     [("t::a", "PASS", ""), ("t::a#2", "FAIL", "no")]),
    ("pytest counts subtests, which have no case",
     pytest_file('<testcase classname="t" name="a"><failure message="x"/><failure message="1 failed subtest"/></testcase>', 'tests="4" failures="2"'),
     [("t::a", "FAIL", "x")]),
    ("a node file that reports no test of its own proves nothing",
     node('<testcase name="/srv/shop/a.test.mjs" classname="test" time="0.1"/>'),
     [("a.test.mjs", "NOT_RUN", "not known: the file ran to its end and reported no test of its own")]),
    ("a node file that does not load is red, under a name that is the same everywhere",
     node(r'<testcase name="C:\ci\a.test.mjs" classname="test"><failure message="test failed">Error: no ./b.mjs</failure></testcase>'),
     [("a.test.mjs", "FAIL", "Error: no ./b.mjs")]),
    ("a failing todo of node is an expected failure",
     '<testsuites><testsuite name="s" tests="1" failures="1" skipped="1"><testcase name="a" classname="test"><skipped type="todo" message="later"/><failure message="x"/></testcase></testsuite></testsuites>',
     [("s::a", "SKIPPED", "xfail: todo: later")]),
    ("a skipped element does not hide a failure",
     '<testsuite name="s" tests="1" failures="1"><testcase name="a"><skipped/><failure message="x"/></testcase></testsuite>',
     [("s::a", "FAIL", "x")]),
    ("a hook of Jest that failed is red, and its own totals leave it out",
     """<testsuites name="jest tests" tests="1" failures="0"><testsuite name="undefined" tests="1" failures="0"><testcase classname=" a" name=" a" file="src/a.test.js"/><testcase classname=" Test execution failure: could be caused by test hooks like 'afterAll'." name=" Test execution failure: could be caused by test hooks like 'afterAll'."><failure>{"message":"","stack":"Error: after all broke\\n    at a.test.js:1"}</failure></testcase></testsuite></testsuites>""",
     [("src/a.test.js::a", "PASS", ""),
      ("undefined::Test execution failure: could be caused by test hooks like 'afterAll'.", "FAIL", "Error: after all broke")]),
    ("a file that Jest could not load is red",
     '<testsuites name="jest tests" tests="0" errors="1"><testsuite name="b.test.js" errors="1" tests="0"><testcase classname="Test suite failed to run" name="b.test.js"><error>Cannot find module</error></testcase></testsuite></testsuites>',
     [("Test suite failed to run::b.test.js", "ERROR", "Cannot find module")]),
    ("Mocha's class is the test's own title, and says nothing",
     '<testsuites name="Mocha Tests" tests="1"><testsuite name="cart" tests="1"><testcase name="cart adds" classname="adds"/></testsuite></testsuites>',
     [("cart::cart adds", "PASS", "")]),
    ("a hook of Mocha that failed is a red case of its own",
     """<testsuites><testsuite name="cart"><testcase name='cart "before all" hook for "adds"' classname='"before all" hook for "adds"'><failure message="no db" type="Error"/></testcase></testsuite></testsuites>""",
     [('cart::cart "before all" hook for "adds"', "FAIL", "no db")]),
    ("behave's untested scenario did not run: a hook of its feature failed",
     '<testsuite name="a.shop" tests="1" skipped="1"><testcase classname="a.shop" name="buys" status="untested"><skipped/></testcase></testsuite>',
     [("a.shop::buys", "NOT_RUN", "did not run")]),
    ("behave's undefined step is told by its name",
     '<testsuite name="a.shop" tests="1" errors="1"><testcase classname="a.shop" name="buys" status="error"><error type="NoneType" message="None">Failing step: Given tea ... undefined</error></testcase></testsuite>',
     [("a.shop::buys", "ERROR", "Failing step: Given tea ... undefined")]),
    ("Robot's set-up tells what failed in it",
     '<testsuite name="Shop" tests="1" failures="1"><testcase classname="Shop" name="Buys"><failure message="Setup failed:&#10;no db" type="AssertionError"/></testcase></testsuite>',
     [("Shop::Buys", "FAIL", "AssertionError: Setup failed: no db")]),
    ("xmlrunner's names hold no time of the run, and its expected failures are told as such",
     """<testsuites><testsuite name="unittest.suite._ErrorHolder-20260131120000" tests="2" errors="1" skipped="1"><testcase classname="" name="setUpClass (t.B)"><error type="RuntimeError" message="no db"/></testcase><testcase classname="t.A" name="b"><skipped type="XFAIL" message="expected failure: (&lt;class 'E'>, 0x7f)"/></testcase></testsuite></testsuites>""",
     [("unittest.suite._ErrorHolder::setUpClass (t.B)", "ERROR", "RuntimeError: no db"),
      ("t.A::b", "SKIPPED", "xfail: expected to fail, and did")]),
]  # fmt: skip


@pytest.mark.parametrize(("law", "text", "said"), JUNIT, ids=[row[0] for row in JUNIT])
def test_what_a_runner_means(law: str, text: str, said: list[tuple[str, str, str]]) -> None:
    cases, reader = junit(text)
    assert [(c.test_id, str(c.outcome), c.message) for c in cases] == said
    assert reader.faults == []


def ctrf(summary: dict[str, int], *tests: dict[str, Any]) -> str:
    named = [{"name": f"t{n}", **test} for n, test in enumerate(tests)]
    return json.dumps({"results": {"summary": summary, "tests": named}})


def notes(*kinds: str) -> dict[str, Any]:
    return {"annotations": [{"type": kind, "description": "why"} for kind in kinds]}


CTRF = [
    ("expected to fail, and failed", {"status": "passed", "rawStatus": "failed", "extra": notes("fail")}, "SKIPPED"),
    ("expected to fail, but passed", {"status": "passed", "rawStatus": "passed", "extra": notes("fail")}, "FAIL"),
    ("the same, after a retry", {"status": "passed", "rawStatus": "passed", "flaky": True, "retries": 1, "extra": notes("fail")}, "FAIL"),
    ("skipped without a reason", {"status": "skipped", "rawStatus": "skipped", "extra": notes()}, "NOT_RUN"),
    ("skipped with one", {"status": "skipped", "extra": notes("issue", "skip")}, "SKIPPED"),
    ("skipped by a runner without annotations", {"status": "skipped"}, "SKIPPED"),
    ("todo of Jest", {"status": "other", "rawStatus": "todo"}, "SKIPPED"),
    ("passed, but failed before", {"status": "passed", "retryAttempts": [{"status": "failed"}]}, "FLAKY"),
    ("passed at the third go", {"status": "passed", "retries": 2}, "FLAKY"),
    ("repeated without a failure", {"status": "passed", "retries": 2, "flaky": False}, "PASS"),
    ("passed against its runner's word", {"status": "passed", "rawStatus": "timedOut"}, "FAIL"),
    ("failed, whatever is annotated", {"status": "failed", "rawStatus": "passed", "flaky": True, "extra": notes("fail")}, "FAIL"),
    ("attempts that are no list", {"status": "passed", "retryAttempts": 7, "extra": 7}, "PASS"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "test", "outcome"), CTRF, ids=[row[0] for row in CTRF])
def test_what_a_ctrf_report_means(law: str, test: dict[str, Any], outcome: str) -> None:
    (case,), reader = read("ctrf", [ctrf({"tests": 1}, test).encode()])
    assert str(case.outcome) == outcome
    assert reader.faults == []


def test_a_summary_may_count_an_expected_failure_either_way_and_no_other() -> None:
    expected = {"status": "passed", "rawStatus": "failed", "extra": notes("fail")}
    for failed, n_faults in ((0, 0), (1, 0), (2, 1)):
        text = ctrf({"tests": 2, "failed": failed}, expected, {"status": "passed"})
        assert len(read("ctrf", [text.encode()])[1].faults) == n_faults


def test_a_pytest_id_in_a_ctrf_report_names_its_file_once() -> None:
    text = ctrf({}, {"name": "test_a.py::test_x", "suite": ["test_a.py"], "status": "passed"})
    assert read("ctrf", [text.encode()])[0][0].test_id == "test_a.py::test_x"


def test_a_file_that_is_read_anew_gives_the_same_ids() -> None:
    ids = Ids()
    one = '<testsuite name="s"><testcase name="a"/><testcase name="a"/><testcase name="a"/></testsuite>'
    first, _ = junit(one, ids)
    ids.release("report")
    again, _ = junit(one, ids)
    assert first == again
