"""Asserts that take a failed answer for a good one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from data.rules.look.tree import Finding, Test, called, last_name

_STATUS = re.compile(r"(?i)^(http_?)?status(_?code)?$|_status(_code)?$|^get_?code$")
_ALL = frozenset(range(100, 600))
_SETTLED = frozenset({404, 409, 410, 412, 429})
"""Refusals that honest tests accept beside a success: it is gone, it is there, wait a little."""


def accepts_failures(test: Test) -> Iterator[Finding]:
    """Asserts of an HTTP status that hold for a success and for a failure alike.

    A set of failures alone is a test that expects refusal. 404, 409, 410, 412 and 429 beside a
    success are the state of things. `< 500` is not accused, since it leaves out the server's
    failures. Where a branch looks at the status again, the test tells them apart.
    """
    again: list[str] | None = None
    for node in test.nodes:
        asserted = _asserted(node)
        found = _accepted(asserted, test.values) if asserted is not None else None
        if found is None or not _is_lax(found[1]):
            continue
        if again is None:
            again = [ast.unparse(n.test) for n in test.nodes if isinstance(n, (ast.If, ast.IfExp))]
        if not any(found[0] in text for text in again):
            yield Finding(node.lineno, "accepts failures", _said(found[1]))  # type: ignore[attr-defined]


def _asserted(node: ast.AST) -> ast.expr | None:
    if isinstance(node, ast.Assert):
        return node.test
    if isinstance(node, ast.Call) and called(node) == "assertIn" and len(node.args) >= 2:
        return ast.Compare(left=node.args[0], ops=[ast.In()], comparators=[node.args[1]])
    return None


def _is_lax(accepted: frozenset[int]) -> bool:
    if set(range(400, 500)) <= accepted and max(accepted) < 500:
        return False
    return any(code < 400 for code in accepted) and any(
        code >= 400 and code not in _SETTLED for code in accepted
    )


def _said(accepted: frozenset[int]) -> str:
    if len(accepted) > 20:
        return f"any status from {min(accepted)} to {max(accepted)} passes"
    return f"a status of {', '.join(map(str, sorted(accepted)))} passes"


def _accepted(test: ast.expr, module: Mapping[str, ast.expr]) -> tuple[str, frozenset[int]] | None:
    """(what is looked at, the statuses for which it holds); None when that is not known."""
    if isinstance(test, ast.BoolOp):
        parts = [_accepted(part, module) for part in test.values]
        known = [part for part in parts if part is not None]
        if len(known) != len(parts) or len({name for name, _ in known}) != 1:
            return None
        sets = [codes for _, codes in known]
        merge = frozenset.union if isinstance(test.op, ast.Or) else frozenset.intersection
        return known[0][0], merge(*sets)
    if isinstance(test, ast.Compare):
        return _compared(test, module)
    return None


def _compared(
    test: ast.Compare, module: Mapping[str, ast.expr]
) -> tuple[str, frozenset[int]] | None:
    """One comparison, or a chain such as `200 <= status < 600`."""
    sides = [test.left, *test.comparators]
    middle = [side for side in sides if _STATUS.search(last_name(side))]
    if len(middle) != 1:
        return None
    found = _ALL
    for left, op, right in zip(sides, test.ops, sides[1:], strict=False):
        codes = _holds(op, right, module) if left is middle[0] else _flipped(op, left, module)
        if codes is None or middle[0] not in (left, right):
            return None
        found &= codes
    return ast.unparse(middle[0]), found


def _flipped(
    op: ast.cmpop, value: ast.expr, module: Mapping[str, ast.expr]
) -> frozenset[int] | None:
    turned = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Eq: ast.Eq}
    kind = turned.get(type(op))
    return _holds(kind(), value, module) if kind else None


def _holds(op: ast.cmpop, value: ast.expr, module: Mapping[str, ast.expr]) -> frozenset[int] | None:
    """Statuses for which `status op value` is true."""
    if isinstance(op, ast.In):
        return _codes(value, module)
    code = _code(value)
    if code is None:
        return None
    match op:
        case ast.Eq():
            return frozenset({code})
        case ast.Lt():
            return frozenset(c for c in _ALL if c < code)
        case ast.LtE():
            return frozenset(c for c in _ALL if c <= code)
        case ast.Gt():
            return frozenset(c for c in _ALL if c > code)
        case ast.GtE():
            return frozenset(c for c in _ALL if c >= code)
    return None


def _codes(value: ast.expr, module: Mapping[str, ast.expr]) -> frozenset[int] | None:
    """A display of statuses, a `range` of them, or a name that the module binds to one."""
    if isinstance(value, ast.Name):
        value = module.get(value.id, value)
    if isinstance(value, (ast.Tuple, ast.List, ast.Set)):
        codes = [_code(item) for item in value.elts]
        known = frozenset(code for code in codes if code is not None)
        return known if known and None not in codes else None
    if isinstance(value, ast.Call) and called(value) == "range" and len(value.args) in (1, 2):
        ends = [_code(arg) for arg in value.args]
        first, last = (0, ends[0]) if len(ends) == 1 else ends
        return None if first is None or last is None else _ALL & frozenset(range(first, last))
    return None


def _code(node: ast.expr) -> int | None:
    """100 to 600 as a number, as `HTTPStatus.OK` or as a client's own name for it."""
    if isinstance(node, ast.Constant):
        value = node.value
        return value if type(value) is int and 100 <= value <= 600 else None
    name = last_name(node) if isinstance(node, ast.Attribute) else ""
    if name == "value" and isinstance(node, ast.Attribute):
        name = last_name(node.value)
    numbered = re.match(r"HTTP_(\d{3})(_|$)", name)
    if numbered:
        return int(numbered[1])
    return HTTPStatus[name.upper()].value if name.upper() in HTTPStatus.__members__ else None
