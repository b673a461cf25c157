"""Words for syntax trees that the looks share: what a call is called, what belongs to a body."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef
_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_TALK = frozenset({"print", "warn", "debug", "info", "warning", "error", "exception", "critical",
                   "log", "print_exc", "pprint"})  # fmt: skip
_TIDY = frozenset({"close", "aclose", "disconnect", "shutdown", "stop", "terminate", "kill", "quit",
                   "delete", "cleanup", "unlink", "remove", "rmtree", "cancel", "teardown", "wait",
                   "join", "logout", "release", "clear", "rmdir", "sleep"})  # fmt: skip
_CHECKS = ("assert", "check", "verify", "expect", "validate", "fail", "raises", "ensure")


@dataclass(frozen=True)
class Place:
    """Where a test's function begins, as its code object says: of a decorated one, the decorator.

    `line` counts from 1.
    """

    path: str
    line: int


@dataclass(frozen=True)
class Finding:
    """Something that makes a pass worth less.

    Attributes:
        kind: one of the words of `KINDS` in `looking`.
        certain: whatever the target does, this test cannot turn red.
    """

    line: int
    kind: str
    text: str
    certain: bool = False


def own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Each node in these and below in order of source, but nothing inside inner functions."""
    stack = list(nodes)[::-1]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _INNER):
            stack += children(node)[::-1]


def children(node: ast.AST) -> list[ast.AST]:
    """As `ast.iter_child_nodes`, faster, without operators and contexts (they have no fields)."""
    found: list[ast.AST] = []
    for value in node.__dict__.values():
        if isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST) and value._fields:
            found.append(value)
    return found


@dataclass(frozen=True)
class Test:
    """One test's function.

    Attributes:
        nodes: all that is its own, in order of source (see `own`).
        coroutines: what it would have to await, as it would call it: `fetch`, `self.fetch`.
        values: names that the module binds once, with their values.
    """

    __test__ = False  # not a pytest class

    function: Function
    nodes: tuple[ast.AST, ...]
    coroutines: frozenset[str]
    values: Mapping[str, ast.expr]


def body_of(function: Function) -> list[ast.stmt]:
    """Its statements without those that are a mere constant: docstrings and `...`."""
    return [node for node in function.body if not _is_idle(node)]


def _is_idle(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def called(node: ast.AST) -> str:
    """The last name of what is called: `close` of `a.b.close()`, "" of anything else."""
    return last_name(node.func) if isinstance(node, ast.Call) else ""


def last_name(node: ast.AST | None) -> str:
    """`c` of `a.b.c` and of `c`; "" of what has no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.AST | None) -> str:
    """`a.b.c` as it is written; "" of what is more than names."""
    if isinstance(node, ast.Attribute):
        front = dotted(node.value)
        return f"{front}.{node.attr}" if front else ""
    return node.id if isinstance(node, ast.Name) else ""


def is_talk(node: ast.AST) -> bool:
    """A call that only tells somebody."""
    return called(node) in _TALK


def is_tidy(node: ast.AST) -> bool:
    """A call that tidies up, by its name."""
    return called(node) in _TIDY or called(node).startswith(("close_", "delete_", "cleanup_"))


def is_check(node: ast.AST) -> bool:
    """A call that asserts, by its name: `self.assertEqual`, `pytest.fail`, `check_order`."""
    return called(node).lstrip("_").lower().startswith(_CHECKS)


def is_plain(function: Function) -> bool:
    """Whether nothing but pytest's marks stands on it, so that its body is what runs."""
    marks = [node.func if isinstance(node, ast.Call) else node for node in function.decorator_list]
    names = [dotted(mark) for mark in marks]
    return all(n.startswith(("pytest.mark.", "mark.")) and "usefixtures" not in n for n in names)


def parameters(function: Function) -> list[str]:
    """Names of all parameters."""
    args = function.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    return [arg.arg for arg in (*every, args.vararg, args.kwarg) if arg is not None]
