"""What one HTTP answer must be."""

from __future__ import annotations

from collections.abc import Mapping

from data.records.step_plan import HttpExpectation
from data.rules.journey.documents import judge_fields
from data.rules.journey.moves import Responded
from data.rules.journey.signatures import Problem
from data.rules.journey.values import MISSING, breach, parse, render, short


def judge_response(
    expect: HttpExpectation, got: Responded, names: Mapping[str, str]
) -> Problem | None:
    """The first thing wrong: status, headers, fields, text, and last of all the time taken."""
    return (
        _status(expect, got)
        or _headers(expect, got, names)
        or _json(expect, got, names)
        or _text(expect, got, names)
        or _time(expect, got)
    )


def body(text: str) -> str:
    """A body for a sentence: one line, at most 200 characters."""
    line = " ".join(text.split())
    return f": {line[:200]}" if line else ", with an empty body"


def _status(expect: HttpExpectation, got: Responded) -> Problem | None:
    if got.status in expect.status:
        return None
    wanted = " or ".join(str(one) for one in expect.status)
    said = f"HTTP {got.status}, expected {wanted}{body(got.text)}"
    return Problem(f"http/status/{got.status}", said)


def _headers(expect: HttpExpectation, got: Responded, names: Mapping[str, str]) -> Problem | None:
    for name, rule in expect.headers.items():
        broken = breach(rule, got.headers.get(name.lower(), MISSING), names)
        if broken:
            kind = "header" if broken.kind == "wrong" else f"header-{broken.kind}"
            return Problem(f"http/{kind}/{name.lower()}", f"header {name} {broken.text}")
    return None


def _json(expect: HttpExpectation, got: Responded, names: Mapping[str, str]) -> Problem | None:
    if not expect.json_rules:
        return None
    document = parse(got.text)
    if document is MISSING:
        return not_json(got)
    return judge_fields("http", expect.json_rules, document, names)


def not_json(got: Responded) -> Problem:
    """The problem of a body that is no JSON where fields of it are needed."""
    return Problem("http/not-json", f"the body is not JSON{body(got.text)}")


def _text(expect: HttpExpectation, got: Responded, names: Mapping[str, str]) -> Problem | None:
    for part in expect.contains:
        if render(part, names) not in got.text:
            return Problem("http/text/lacks", f"the body lacks {short(part)}{body(got.text)}")
    for part in expect.not_contains:
        if render(part, names) in got.text:
            return Problem("http/text/has", f"the body has {short(part)}{body(got.text)}")
    return None


def _time(expect: HttpExpectation, got: Responded) -> Problem | None:
    taken_s = got.t_s - got.started_s
    if expect.within is None or taken_s <= expect.within:
        return None
    said = f"answered after {taken_s * 1000:.0f} ms, expected within {expect.within * 1000:.0f} ms"
    return Problem("http/slow", said)
