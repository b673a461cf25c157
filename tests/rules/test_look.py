"""The static look names what makes a pass worthless, and accuses nobody else."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.rules.look.looking import KINDS, Source, is_static, name_of, worded
from data.rules.look.tree import Finding


def look(body: str, head: str = "def test_a(client):", before: str = "") -> list[Finding]:
    """Findings of one test of this body; its `def` is the first line after `before`."""
    before = dedent(before)
    text = f"{before}\n{head}\n{indent(dedent(body).strip(), '    ')}\n"
    return list(Source(text).findings("test_a", before.count("\n") + 2))


def kinds(body: str, head: str = "def test_a(client):", before: str = "") -> list[str]:
    return [finding.kind for finding in look(body, head, before)]


LITERAL = {
    "nothing at all": "pass",
    "a docstring": '"""Should work."""',
    "a constant": "assert True",
    "a comparison of constants": "assert 1 == 1",
    "published figures": "p95 = 85\nbest = p95 / 2\nassert best < 100 and p95 > 0",
    "a dict": "m = {'p95': 85}\nassert m['p95'] < 100",
    "printed": "ms = 42\nprint(f'{ms} ms')\nassert ms",
    "noted": "ms: float = 42\nassert ms < 50",
    "a branch": "x = 1\nif x > 0:\n    assert x",
    "counted up": "n = 0\nn += 1\nassert n == 1",
}
SWALLOWED = {
    "passes": "try:\n    assert client.ok\nexcept Exception:\n    pass",
    "bare": "try:\n    client.get('/')\nexcept:\n    pass",
    "prints": "try:\n    assert client.ok\nexcept AssertionError as e:\n    print(e)",
    "returns": "try:\n    client.get('/')\nexcept Exception:\n    return\nprint('ok')",
    "asserts true": "try:\n    client.get('/')\nexcept Exception:\n    assert True",
    "asserts the error": "try:\n    client.get('/')\nexcept Exception as e:\n    assert e",
    "a tuple": "try:\n    client.get('/')\nexcept (OSError, Exception):\n    pass",
    "suppress": "with contextlib.suppress(Exception):\n    assert client.ok",
    "suppress by name": "with suppress(AssertionError):\n    assert client.ok",
    "in a loop": "for u in client.urls:\n    try:\n        assert u\n    except Exception:\n        pass",
    "then closes": "try:\n    assert client.ok\nexcept Exception:\n    pass\nclient.close()",
}
ACCEPTED = {
    "a tuple": "assert client.get('/').status_code in (200, 401, 403, 500)",
    "a list": "assert client.status in [200, 503]",
    "a bound": "assert client.status_code < 600",
    "a chain": "assert 200 <= client.status_code < 600",
    "or": "assert client.status_code == 200 or client.status_code == 500",
    "and": "assert client.status_code >= 200 and client.status_code <= 599",
    "named": "assert client.status_code in (HTTPStatus.OK, httpx.codes.BAD_GATEWAY)",
    "a range": "assert client.status_code in range(200, 600)",
    "assertIn": "self.assertIn(client.status_code, {200, 500})",
    "a name": "assert client.status_code in FINE",
}
ASYNC = "async def check():\n    assert False\n"
LIES: dict[str, tuple[str, dict[str, str]]] = {
    "cannot fail": ("", LITERAL),
    "swallows failures": ("", SWALLOWED),
    "accepts failures": ("FINE = (200, 403)\n", ACCEPTED),
    "asserts literals": (
        "",
        {
            "published beside a call": "client.get('/')\nms = 85\nassert ms < 100",
            "a dict beside a call": "client.get('/')\nm = {'p95': 85}\nassert m['p95'] < 100",
        },
    ),
    "un-awaited call": (ASYNC, {"a statement": "check()", "asserted": "assert check()"}),
    "returns instead of asserting": (
        "",
        {"compares": "return client.get('/') == 1", "true": "client.get('/')\nreturn True"},
    ),
    "assert of a tuple": ("", {"with a message": "assert (client.ok, 'is not ok')"}),
    "assert of a function": (
        "",
        {
            "a lambda": "assert lambda: client.ok",
            "a generator": "assert (r.ok for r in client)",
        },
    ),
    "comparison without assert": ("", {"a status": "r = client.get('/')\nr.status_code == 200"}),
}
HONEST = {
    "asserts an answer": "assert client.get('/').status_code == 200",
    "asserts a parameter": "assert client",
    "asserts what a generator gives": "assert any(r.ok for r in client)",
    "asserts what a lambda gives": "assert (lambda: client.ok)()",
    "asserts a global": "assert PAGE",
    "only calls": "client.get('/')",
    "imports": "import json",
    "raises": "raise ValueError",
    "got here": "client.get('/')\nassert True",
    "a flag that a loop sets": "ok = False\nfor e in client:\n    ok = True\nassert ok",
    "a flag that a handler sets": "ok = 0\ntry:\n    client()\nexcept OSError:\n    ok = 1\nassert ok",
    "a flag of an inner function": (
        "ok = 0\ndef cb():\n    nonlocal ok\n    ok = 1\nclient(cb)\nassert ok"
    ),
    "a list that a call fills": "seen = []\nclient(seen)\nassert seen == [1]",
    "a list that its method fills": "seen = [0]\nclient(seen.append)\nassert seen",
    "asserts beside literals": "n = 3\nassert n == 3\nassert client.get(n)",
    "asserts in an inner function": "def cb(x):\n    assert x\nclient(cb)\nok = 1\nassert ok",
    "counts up in a loop": "n = 0\nfor _ in client:\n    n += 1\nassert n == 3",
    "re-raises": "try:\n    client()\nexcept Exception:\n    print('no')\n    raise",
    "fails": "try:\n    client()\nexcept Exception as e:\n    pytest.fail(str(e))",
    "keeps the error": "e = None\ntry:\n    client()\nexcept Exception as x:\n    e = x\nassert e is None",
    "asserts the error's text": "try:\n    client()\nexcept Exception as e:\n    assert 'no' in str(e)",
    "asserts afterwards": "try:\n    client()\nexcept Exception:\n    pass\nassert client.ok",
    "expects by else": (
        "try:\n    client()\nexcept Exception:\n    pass\nelse:\n    raise AssertionError('came through')"
    ),
    "expects by pytest.fail": "try:\n    client()\n    pytest.fail('no')\nexcept Exception:\n    pass",
    "pytest.raises": "with pytest.raises(Exception):\n    client()",
    "skips": "try:\n    client()\nexcept Exception:\n    pytest.skip('not here')",
    "narrow": "try:\n    client()\nexcept OSError:\n    pass",
    "tidies up": "try:\n    client.close()\nexcept Exception:\n    pass",
    "tidies up at last": (
        "try:\n    assert client()\nfinally:\n    try:\n        client.reset()\n"
        "    except Exception:\n        pass"
    ),
    "tidies up after asserting": "assert client()\ntry:\n    client.reset()\nexcept Exception:\n    pass",
    "tries again": (
        "for _ in range(9):\n    try:\n        client()\n        break\n    except Exception:\n"
        "        time.sleep(1)"
    ),
    "suppresses a narrow error": "with suppress(OSError):\n    client()",
    "refusals alone": "assert client.status_code in (401, 403)",
    "successes alone": "assert client.status_code in (200, 201, 204)",
    "gone already": "assert client.status_code in (200, 404)",
    "there already": "assert client.status_code in (201, 409)",
    "no server failure": "assert client.status_code < 500",
    "a success": "assert 200 <= client.status_code < 400",
    "told apart": (
        "assert client.status_code in (200, 503)\nif client.status_code == 200:\n    assert client.ok"
    ),
    "some other number": "assert client.port in (200, 500)",
    "unknown members": "assert client.status_code in (200, other)",
    "or something else": "assert client.status_code == 200 or client.status_code == x",
    "a job's status": "assert client.status in ('done', 'failed')",
    "returns a call": "return client.get('/')",
    "returns early": "if client.old:\n    return\nassert client.ok",
    "compares to raise": "with pytest.raises(TypeError):\n    client.a < 1",
    "its own function of that name": "def check():\n    assert client\ncheck()",
    "inner function swallows": (
        "def poll():\n    try:\n        return client()\n    except Exception:\n        return None\n"
        "assert poll()"
    ),
}  # fmt: skip
CASES = {
    f"{kind}: {name}": (kind, before, body)
    for kind, (before, bodies) in LIES.items()
    for name, body in bodies.items()
}


@pytest.mark.parametrize("case", CASES)
def test_each_lie_is_named_by_its_kind(case: str) -> None:
    kind, before, body = CASES[case]
    assert kinds(body, before=before) == [kind]


def test_every_kind_has_a_case() -> None:
    assert {*LIES, "async test never run"} == set(KINDS)


@pytest.mark.parametrize("case", HONEST)
def test_honest_tests_are_not_accused(case: str) -> None:
    assert look(HONEST[case], before=ASYNC) == []


@pytest.mark.parametrize(
    "mark",
    ["@given(x=1)", "@pytest.mark.usefixtures('page')", "@check_figures", "@mark.usefixtures('a')"],
)
def test_a_decorator_may_do_what_the_body_does_not(mark: str) -> None:
    assert kinds("pass", f"{mark}\ndef test_a():") == []


@pytest.mark.parametrize(
    ("head", "certain"),
    [
        ("def test_a():", True),
        ("async def test_a():", True),
        ("@pytest.mark.slow\ndef test_a():", True),
        ("def test_a(page):", False),
    ],
)
def test_only_a_test_without_fixtures_is_certain(head: str, certain: bool) -> None:
    assert [finding.certain for finding in look("assert 1", head)] == [certain]


def method(text: str, name: str = "test_a") -> list[Finding]:
    """Findings of the function of that name, wherever it stands."""
    text = dedent(text)
    line = next(n for n, line in enumerate(text.splitlines(), 1) if f"def {name}(" in line)
    return list(Source(text).findings(name, line))


def test_a_method_may_fail_in_its_set_up() -> None:
    found = method("class TestIt:\n    def test_a(self):\n        assert True")
    assert [(f.kind, f.certain) for f in found] == [("cannot fail", False)]


def test_unittest_asserts_of_literals_are_literals_and_those_of_a_suite_are_not() -> None:
    text = "class TestIt(Mine):\n    def test_a(self):\n        self.{}(1, 1)"
    assert [f.kind for f in method(text.format("assertEqual"))] == ["cannot fail"]
    assert method(text.format("assertOrder")) == []


@pytest.mark.parametrize(
    ("base", "found"),
    [
        ("unittest.TestCase", ["async test never run"]),
        ("Case", ["async test never run"]),
        ("unittest.IsolatedAsyncioTestCase", []),
        ("Own", []),
    ],
)
def test_plain_unittest_never_awaits(base: str, found: list[str]) -> None:
    text = f"""
        import unittest
        from unittest import TestCase as Case
        class TestIt({base}):
            async def test_a(self):
                assert await fetch()
        """
    assert [f.kind for f in method(text)] == found


def test_methods_of_the_class_are_known_as_coroutines() -> None:
    text = """
        class TestIt:
            async def check(self): ...
            def test_a(self, page):
                self.check()
        """
    assert [(f.kind, f.line) for f in method(text)] == [("un-awaited call", 5)]


@pytest.mark.parametrize(
    "text",
    ["def test_a(:", "\0", b"\xff\xfe", "(" * 5000, "x = " + "-" * 100_000 + "1", "", "é = 'ü'"],
)
def test_source_that_cannot_be_read_has_no_findings(text: str | bytes) -> None:
    assert Source(text).findings("test_a", 1) == ()


def test_another_function_at_that_line_is_not_the_test() -> None:
    assert Source("def other(): pass").findings("test_a", 1) == ()
    assert Source("def test_a(): pass").findings("test_a", 2) == ()


@given(st.text(max_size=300))
def test_no_source_breaks_the_look(text: str) -> None:
    findings = Source(f"def test_a():\n    {text}").findings("test_a", 1)
    assert all(one.line >= 1 and one.text for one in findings)


@pytest.mark.parametrize(
    ("test_id", "name"),
    [
        ("tests/test_x.py::test_a", "test_a"),
        ("test_x.py::TestIt::TestIn::test_a[a::b-[c]]", "test_a"),
        ("odd", "odd"),
    ],
)
def test_the_function_of_an_id(test_id: str, name: str) -> None:
    assert name_of(test_id) == name


def test_a_finding_is_one_line_that_names_file_and_line() -> None:
    said = worded("tests/test_x.py", Finding(17, "swallows failures", "`except\n  x`"))
    assert said == "tests/test_x.py:17: swallows failures: `except x`"
    assert is_static(said)
    assert not is_static("un-awaited coroutine: coroutine 'check' was never awaited")
