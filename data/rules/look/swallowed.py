"""`except` branches that turn a failure into a success."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from data.rules.look.tree import (
    Finding,
    Test,
    dotted,
    is_check,
    is_talk,
    is_tidy,
    last_name,
    own,
)

_BROAD = frozenset({"Exception", "BaseException", "AssertionError"})
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_EITHER = (ast.Try, ast.TryStar)


def swallows(test: Test) -> Iterator[Finding]:
    """Broad handlers of a failure: `except:`, `Exception`, `AssertionError`, `suppress` of them.

    Accused is a handler that does nothing but pass, print, log or return, around an assert, or
    around calls in a test that asserts nothing outside of it. Not accused: handlers beside one that
    raises, what asserts afterwards or in `else`, retries in a loop, calls that tidy up by name
    (`close`, `delete`, …), `finally`, and handlers of narrow exceptions.
    """
    guards = [(node, said) for node in test.nodes if (said := _guarded(node))]
    if not guards:
        return
    loops = _inside(one.body for one in test.nodes if isinstance(one, _LOOPS))
    tidying = _inside(one.finalbody for one in test.nodes if isinstance(one, _EITHER))
    for node, (line, text) in guards:
        is_retry = id(node) in loops and _leaves(node)
        if id(node) not in tidying and not is_retry and _matters(node, test):
            yield Finding(line, "swallows failures", text)


def _inside(bodies: Iterable[list[ast.stmt]]) -> set[int]:
    return {id(node) for body in bodies for node in own(body)}


def _guarded(node: ast.AST) -> tuple[int, str] | None:
    """(line, what is said) of a `try` or `with` that lets no failure through."""
    if isinstance(node, _EITHER):
        if any(map(_says_more, node.handlers)) or any(map(_fails, own(node.orelse))):
            return None
        if _only_expects(node):
            return None
        broad = (h for h in node.handlers if _is_broad(h.type) and _is_silent(h))
        return next(((h.lineno, f"`{_word(h.type)}` passes as a success") for h in broad), None)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return next(
            ((node.lineno, "`suppress` of all errors") for w in node.items if _suppresses(w)), None
        )
    return None


def _says_more(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(n, ast.Raise) or is_check(n) for n in own(handler.body))


def _word(kind: ast.expr | None) -> str:
    return "except" if kind is None else f"except {ast.unparse(kind)}"[:60]


def _is_broad(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(map(_is_broad, kind.elts))
    return kind is None or last_name(kind) in _BROAD


def _is_silent(handler: ast.ExceptHandler) -> bool:
    return all(_is_nothing(node, handler.name) for node in handler.body)


def _is_nothing(node: ast.stmt, error: str | None) -> bool:
    """Whether a statement of a handler neither fails nor keeps anything for later."""
    match node:
        case ast.Pass() | ast.Continue():
            return True
        case ast.Expr(value=value):
            return isinstance(value, ast.Constant) or is_talk(value)
        case ast.Return(value=value):
            return value is None or isinstance(value, ast.Constant)
        case ast.Assert(test=ast.Constant(value=value)):
            return bool(value)
        case ast.Assert(test=ast.Name(id=name)):
            return name == error
    return False


def _only_expects(node: ast.Try | ast.TryStar) -> bool:
    """`try: f(); pytest.fail()`: its failure is no `Exception`, so it comes through."""
    bare = any(h.type is None or last_name(h.type) == "BaseException" for h in node.handlers)
    fails = (n for n in own(node.body) if isinstance(n, ast.Call))
    return not bare and any(dotted(n.func) in ("pytest.fail", "fail") for n in fails)


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    named = isinstance(call, ast.Call) and dotted(call.func) in ("contextlib.suppress", "suppress")
    return named and any(map(_is_broad, call.args))  # type: ignore[attr-defined]


def _leaves(node: ast.AST) -> bool:
    """A retry: what succeeds leaves the loop."""
    inside = [*getattr(node, "body", ()), *getattr(node, "orelse", ())]
    return any(isinstance(n, (ast.Break, ast.Return)) for n in own(inside))


def _fails(node: ast.AST) -> bool:
    """Something that can turn the test red on purpose."""
    if isinstance(node, ast.Assert):
        return not isinstance(node.test, ast.Constant) or not node.test.value
    return isinstance(node, ast.Raise) or is_check(node)


def _matters(node: ast.AST, test: Test) -> bool:
    """Whether the failure that is swallowed is the one that the test is about."""
    body: list[ast.stmt] = node.body  # type: ignore[attr-defined]
    inside = list(own(body))
    mine = {id(n) for n in own([node])}
    others = [n for n in test.nodes if id(n) not in mine]
    end = getattr(node, "end_lineno", None) or 0
    after = [n for n in others if getattr(n, "lineno", 0) > end]
    if any(map(_fails, inside)):
        return not any(_fails(n) or _acts(n) for n in after)
    acts = any(map(_acts, inside))
    return acts and not any(map(_fails, others)) and not any(map(_acts, after))


def _acts(node: ast.AST) -> bool:
    """A call that is neither talk nor tidying up."""
    return isinstance(node, ast.Call) and not is_talk(node) and not is_tidy(node)
