"""The static look is bounded and silent: what it cannot read has no findings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.rules.look.tree import Place
from tasks.suites.looked import Looking
from tests.suites.stage import Target, order_for, run, running_target

LIE = "def test_a():\n    assert True\n"


def test_what_is_not_there_or_no_file_has_no_findings(tmp_path: Path) -> None:
    look = Looking()
    assert look("t.py::test_a", Place(str(tmp_path / "gone.py"), 1)) == ()
    assert look("t.py::test_a", Place(str(tmp_path), 1)) == ()
    assert look("t.py::test_a", Place("<string>", 1)) == ()
    assert look("t.py::test_a", Place("\0", 1)) == ()


def test_a_huge_file_and_a_spent_budget_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(LIE)
    place = Place(str(file), 1)
    assert len(Looking()("test_it.py::test_a", place)) == 1
    assert Looking(most_bytes=10)("test_it.py::test_a", place) == ()
    assert Looking(budget_s=0)("test_it.py::test_a", place) == ()


def test_a_file_is_read_again_only_after_some_others(tmp_path: Path) -> None:
    files = [tmp_path / f"test_{n}.py" for n in range(9)]
    for file in files:
        file.write_text(LIE)
    look = Looking()
    for _ in range(2):
        assert all(look("x::test_a", Place(str(file), 1)) for file in files)
    files[-1].unlink()
    assert look("x::test_a[again]", Place(str(files[-1]), 1))


SUITE = {
    "test_it.py": """
        import contextlib, functools, unittest, urllib.request, os, pytest
        def ask(): return urllib.request.urlopen(os.environ["URL"], timeout=5)
        def logged(fn):
            @functools.wraps(fn)
            def inner(*args): return fn(*args)
            return inner
        def test_ümlaut():
            with contextlib.suppress(Exception):
                assert ask().status == 500
        @logged
        def test_wrapped():
            assert ask().status in (200, 500)
        class TestOuter:
            class TestInner:
                @pytest.mark.parametrize("x", ["a::b", "[c]"])
                def test_nested(self, x):
                    assert ask().status < 600
        class TestOld(unittest.TestCase):
            def test_old(self):
                self.assertIn(ask().status, (200, 403))
        def test_fails():
            assert ask().status in (500, 200, 401) and False
        def make(n):
            def test(): assert ask().status == 200
            return test
        test_made = make(1)
        test_lambda = lambda: ask() and None
        exec("def test_from_text(): ask(); assert (1, 2)")
        """,
}


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with running_target() as running:
        yield running


@pytest.mark.parametrize("xdist", [False, True])
def test_findings_come_with_the_pass_that_they_speak_of(
    tmp_path: Path, target: Target, xdist: bool
) -> None:
    command = (
        "python",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *(["-n2"] if xdist else []),
    )
    told = run(order_for(tmp_path, SUITE, target=target, command=command))
    assert {name: test.findings for name, test in told.tests.items()} == {
        "test_ümlaut": ("test_it.py:9: swallows failures: `suppress` of all errors",),
        "test_wrapped": ("test_it.py:13: accepts failures: a status of 200, 500 passes",),
        "TestOuter::TestInner::test_nested[a::b]": (
            "test_it.py:18: accepts failures: any status from 100 to 599 passes",
        ),
        "TestOuter::TestInner::test_nested[[c]]": (
            "test_it.py:18: accepts failures: any status from 100 to 599 passes",
        ),
        "TestOld::test_old": ("test_it.py:21: accepts failures: a status of 200, 403 passes",),
        "test_fails": (),
        "test_made": (),
        "test_lambda": (),
        "test_from_text": (),
    }
    assert all(test.witnessed for test in told.tests.values())
