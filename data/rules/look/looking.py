"""The static look at one file of tests: from its source and the places of tests to findings."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from data.rules.look.literals import asserts_literals, cannot_fail
from data.rules.look.slips import coroutines, never_run, slips, unawaited
from data.rules.look.statuses import accepts_failures
from data.rules.look.swallowed import swallows
from data.rules.look.tree import Finding, Function, Test, children, own

KINDS = (
    "cannot fail",
    "asserts literals",
    "swallows failures",
    "accepts failures",
    "un-awaited call",
    "async test never run",
    "returns instead of asserting",
    "assert of a tuple",
    "assert of a function",
    "comparison without assert",
)
_STATIC = re.compile(rf":\d+: (?:{'|'.join(map(re.escape, KINDS))}): ")
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def is_static(finding: str) -> bool:
    """Whether a test's finding, as it is stored, comes from the static look."""
    return _STATIC.search(finding) is not None


def worded(path: str, finding: Finding) -> str:
    """`tests/test_x.py:17: swallows failures: …`, one line."""
    return " ".join(f"{path}:{finding.line}: {finding.kind}: {finding.text}".split())


class Source:
    """One file of tests, read once for all of its tests.

    Source that this Python cannot read (a syntax error, a newer grammar, nested too deeply) has no
    findings: whoever runs it says what is wrong with it.
    """

    def __init__(self, text: str | bytes) -> None:
        try:
            with warnings.catch_warnings():  # of the suite's own literals: it hears them itself
                warnings.simplefilter("ignore")
                self._module = ast.parse(text)
            self._functions = {_first_line(f): (f, owner) for f, owner in _functions(self._module)}
            self._values = _values(self._module)
            self._coroutines = coroutines(self._module.body)
        except _UNREADABLE:
            self._functions = {}

    def findings(self, name: str, line: int) -> tuple[Finding, ...]:
        """Of the test whose function begins there; () where another function or none does.

        Args:
            name: the function's own name.
            line: of its `def`, or of its first decorator.
        """
        function, owner = self._functions.get(line, (None, None))
        if function is None or function.name != name:
            return ()
        try:
            found = {(f.line, f.kind): f for f in self._look(function, owner)}
        except _UNREADABLE:
            return ()
        return tuple(sorted(found.values(), key=lambda f: (f.line, KINDS.index(f.kind))))

    def _look(self, function: Function, owner: ast.ClassDef | None) -> Iterator[Finding]:
        methods = coroutines(owner.body, "self.") if owner else frozenset()
        nodes = tuple(own(function.body))
        test = Test(function, nodes, self._coroutines | methods, self._values)
        stuck = list(cannot_fail(test))
        yield from _certain_only_outside(stuck, owner)
        yield from () if stuck else asserts_literals(test)
        yield from swallows(test)
        yield from accepts_failures(test)
        yield from unawaited(test)
        yield from never_run(function, self._module, owner)
        yield from slips(test)


def _certain_only_outside(found: list[Finding], owner: ast.ClassDef | None) -> Iterator[Finding]:
    """A method may fail in its class's set-up."""
    for one in found:
        yield Finding(one.line, one.kind, one.text, one.certain and owner is None)


def name_of(test_id: str) -> str:
    """`test_a` of `tests/test_x.py::TestIt::test_a[1-2]`."""
    return test_id.partition("[")[0].rpartition("::")[2]


def _first_line(function: Function) -> int:
    return min([function.lineno, *(mark.lineno for mark in function.decorator_list)])


def _functions(module: ast.Module) -> Iterator[tuple[Function, ast.ClassDef | None]]:
    """Every function of the file with the class that it stands in, wherever it is nested."""
    stack: list[tuple[ast.AST, ast.ClassDef | None]] = [(module, None)]
    while stack:
        node, owner = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node, owner
        inside = node if isinstance(node, ast.ClassDef) else owner
        inside = None if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else inside
        stack += [(n, inside) for n in children(node) if not isinstance(n, ast.expr)]


def _values(module: ast.Module) -> dict[str, ast.expr]:
    """Names that the module's own statements bind once, and to what."""
    found: dict[str, list[ast.expr]] = {}
    for node in module.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}
