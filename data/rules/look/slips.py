"""Slips of the pen: what looks like an assert or an await, and is none."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from data.rules.look.tree import Finding, Function, Test, dotted, is_plain, own, parameters

_VALUES = (ast.Compare, ast.BoolOp, ast.Tuple, ast.List, ast.Dict, ast.JoinedStr)
_BLOCKS = (ast.With, ast.AsyncWith, ast.Try, ast.TryStar)
_OPS = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)


def slips(test: Test) -> Iterator[Finding]:
    """Returned values, asserted tuples and functions, and comparisons that nobody asserts.

    A return is accused of a value that cannot be None (a comparison, a constant, a display), since
    `return helper()` may well be None; not in generators. A comparison on its own is accused with a
    constant on one side and something read on the other, and not inside `with` or `try`, where it
    may be there to raise.
    """
    function, nodes = test.function, test.nodes
    gives = any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in nodes)
    held = {id(n) for block in nodes if isinstance(block, _BLOCKS) for n in own([block])}
    for node in nodes:
        match node:
            case ast.Assert(test=ast.Tuple(elts=[_, *_])):
                yield Finding(node.lineno, "assert of a tuple", "a tuple is always true")
            case ast.Assert(test=ast.Lambda() | ast.GeneratorExp() as thing):
                kind = "lambda" if isinstance(thing, ast.Lambda) else "generator"
                yield Finding(node.lineno, "assert of a function", f"a {kind} is always true")
            case ast.Return(value=value) if not gives and is_plain(function) and _is_value(value):
                text = "the value that it returns is thrown away"
                yield Finding(node.lineno, "returns instead of asserting", text)
            case ast.Expr(value=ast.Compare() as compare) if id(node) not in held:
                if _is_meant(compare):
                    text = f"`{ast.unparse(compare)[:60]}` is thrown away"
                    yield Finding(node.lineno, "comparison without assert", text)


def _is_value(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is not None
    return isinstance(node, _VALUES) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _is_meant(compare: ast.Compare) -> bool:
    sides = (compare.left, *compare.comparators)
    known = all(isinstance(op, _OPS) for op in compare.ops)
    read = any(isinstance(side, (ast.Attribute, ast.Subscript, ast.Call)) for side in sides)
    return known and read and any(isinstance(side, ast.Constant) for side in sides)


def unawaited(test: Test) -> Iterator[Finding]:
    """Calls, as a statement of their own or asserted, of an `async def` of the same file.

    A name that is bound twice, decorated, a generator, or shadowed in the test is left alone.
    """
    for node in test.nodes:
        value = node.value if isinstance(node, ast.Expr) else None
        value = node.test if isinstance(node, ast.Assert) else value
        name = dotted(value.func) if isinstance(value, ast.Call) else ""
        if name in test.coroutines and name.partition(".")[0] not in _own_names(test.function):
            yield Finding(node.lineno, "un-awaited call", f"`{name}` is async and never awaited")  # type: ignore[attr-defined]


def _own_names(function: Function) -> set[str]:
    """Names that the function binds: what is called by them is not the module's."""
    found = set(parameters(function)) - {"self"}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node is not function:
            found.add(node.name)
    return found


def coroutines(body: list[ast.stmt], front: str = "") -> frozenset[str]:
    """Plain coroutine functions that these statements define, each bound once."""
    defined = [n for n in body if isinstance(n, ast.AsyncFunctionDef) and not n.decorator_list]
    if not defined:
        return frozenset()
    bound = Counter(name for node in own(body) if (name := _binds(node)))
    return frozenset(
        front + node.name
        for node in defined
        if bound[node.name] == 1
        and not any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in own(node.body))
    )


def _binds(node: ast.AST) -> str:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name
    return node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else ""


def never_run(
    function: Function, module: ast.Module, owner: ast.ClassDef | None
) -> Iterator[Finding]:
    """An async method of a plain `unittest.TestCase`: unittest calls it and awaits nothing."""
    if owner is None or not isinstance(function, ast.AsyncFunctionDef) or function.decorator_list:
        return
    imported = (n for n in module.body if isinstance(n, ast.ImportFrom) and n.module == "unittest")
    names = {a.asname or a.name for n in imported for a in n.names if a.name == "TestCase"}
    plain = {"unittest.TestCase", *names}
    if owner.bases and all(dotted(b) in plain for b in owner.bases) and not owner.decorator_list:
        text = f"`unittest.TestCase` never awaits `{function.name}`"
        yield Finding(function.lineno, "async test never run", text, certain=True)
