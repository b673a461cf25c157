"""Tests that cannot fail, and asserts of nothing but literals."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from data.rules.look.tree import (
    Finding,
    Function,
    Test,
    body_of,
    called,
    is_check,
    is_plain,
    own,
    parameters,
)

_CALM = (ast.Assert, ast.Pass, ast.If, ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign,
         ast.Return, ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
         ast.IfExp, ast.JoinedStr, ast.FormattedValue, ast.List, ast.Tuple, ast.Dict, ast.Set,
         ast.Subscript, ast.Slice, ast.expr_context, ast.operator, ast.unaryop, ast.boolop,
         ast.cmpop)  # fmt: skip
_OF_UNITTEST = frozenset({"assertTrue", "assertFalse", "assertEqual", "assertNotEqual", "assertIn",
                          "assertNotIn", "assertIs", "assertIsNot", "assertIsNone", "assertLess",
                          "assertIsNotNone", "assertGreater", "assertLessEqual",
                          "assertGreaterEqual", "assertAlmostEqual"})  # fmt: skip


def cannot_fail(test: Test) -> Iterator[Finding]:
    """A test in which nothing is called and nothing is asserted but literals.

    Names have to come from literals in the same function: a parameter, a global, an attribute, a
    call, an import, a `with` or a `raise` could each fail, and end the suspicion. `print` and
    `self.assert…` of literals are as good as literals. A test with parameters or inside a class
    may still fail in its fixtures, so only a plain function is certain.
    """
    function = test.function
    if any(isinstance(node, ast.Call) and not _is_quiet(node) for node in test.nodes):
        return
    body = body_of(function)
    if not is_plain(function) or not _calm(function, body) or ">>>" in _docstring(function):
        return
    asserts = [node for node in own(body) if isinstance(node, ast.Assert) or is_check(node)]
    said = "only literals are asserted" if asserts else "nothing is called or asserted"
    line = asserts[0].lineno if asserts else function.lineno  # type: ignore[attr-defined]
    yield Finding(line, "cannot fail", said, certain=not parameters(function))


def _docstring(function: Function) -> str:
    """Another collector runs the examples in it."""
    return ast.get_docstring(function, clean=False) or ""


def _calm(function: Function, body: list[ast.stmt]) -> bool:
    nodes = [node for node in own(body) if not isinstance(node, ast.keyword)]
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    local = stored - set(parameters(function))
    passed_over = {id(part) for node in nodes for part in _harmless(node)}
    return all(
        id(node) in passed_over
        or (isinstance(node, _CALM) and (not isinstance(node, ast.Name) or node.id in local))
        for node in nodes
    )


def _harmless(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand there: the call of `print` itself, and notes on locals, never evaluated."""
    if isinstance(node, ast.Call) and _is_quiet(node):
        yield node
        yield from ast.walk(node.func)
    elif isinstance(node, ast.AnnAssign):
        yield from ast.walk(node.annotation)


def _is_quiet(node: ast.Call) -> bool:
    """`print(…)` or `self.assertTrue(…)`: the call itself adds nothing."""
    func = node.func
    if isinstance(func, ast.Name):
        return func.id == "print"
    is_self = isinstance(func, ast.Attribute) and getattr(func.value, "id", "") == "self"
    return is_self and called(node) in _OF_UNITTEST


def asserts_literals(test: Test) -> Iterator[Finding]:
    """All that a test asserts are names that it gave literals to itself: published figures.

    Only where the test asserts nothing else, inner functions included, and calls nothing that
    asserts by its name. Both the names and the asserts stand in the straight line of the body, so
    that no branch, loop or exception has a say; a list or dict must not be used elsewhere, since a
    call could change it.
    """
    function = test.function
    asserts = [node for node in test.nodes if isinstance(node, ast.Assert)]
    if any(not isinstance(part, _CALM) for node in asserts for part in ast.walk(node)):
        return
    whole = list(ast.walk(function))
    asserts = [node for node in whole if isinstance(node, ast.Assert)]
    others = any(is_check(node) or isinstance(node, ast.Raise) for node in whole)
    if others or not asserts or not all(node in function.body for node in asserts):
        return
    known = _literal_names(function)
    if all(_from_literals(node.test, known) for node in asserts) and any(map(_names, asserts)):
        first = next(node for node in asserts if _names(node))
        names = ", ".join(dict.fromkeys(_names(first)))
        yield Finding(first.lineno, "asserts literals", f"{names} comes from literals alone")


def _names(node: ast.AST) -> list[str]:
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]


def _literal_names(function: Function) -> set[str]:
    """Names that only straight assignments of literals bind, in order of the body."""
    known: set[str] = set()
    changed = _bound_elsewhere(function)
    for node in function.body:
        target = _single_target(node)
        if target and target not in changed:
            value = node.value  # type: ignore[attr-defined]
            good = _from_literals(value, known) and _stays(target, value, function)
            (known.add if good else changed.add)(target)
            known -= changed
    return known


def _single_target(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target = node.target
    else:
        return ""
    return target.id if isinstance(target, ast.Name) else ""


def _bound_elsewhere(function: Function) -> set[str]:
    """Names that something beside a straight assignment binds, inner functions included."""
    straight = {id(t) for node in function.body if _single_target(node) for t in _targets(node)}
    found = set(parameters(function))
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found |= {node.id} if id(node) not in straight else set()
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found.update(node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found


def _targets(node: ast.stmt) -> Iterable[ast.AST]:
    return getattr(node, "targets", None) or [node.target]  # type: ignore[attr-defined]


def _from_literals(node: ast.expr, known: set[str]) -> bool:
    return all(
        isinstance(part, _CALM) and (not isinstance(part, ast.Name) or part.id in known)
        for part in ast.walk(node)
    )


def _stays(name: str, value: ast.expr, function: Function) -> bool:
    """Whether nobody could change the value: it is frozen, or used by asserts and prints alone."""
    if all(not isinstance(part, (ast.List, ast.Dict, ast.Set)) for part in ast.walk(value)):
        return True
    harmless = {
        id(part)
        for node in own(function.body)
        if isinstance(node, ast.Assert) or called(node) == "print"
        for part in ast.walk(node)
    }
    loads = (n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == name)
    return all(id(use) in harmless for use in loads if isinstance(use.ctx, ast.Load))
