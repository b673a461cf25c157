"""Any fact at all, built from the records' own fields."""

from __future__ import annotations

import types
import typing
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from data.records.facts import Fact, RunStarted
from data.store.facts import KINDS

RUN = "run-1"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)  # NUL and quotes included
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
    lambda t: t.replace(tzinfo=UTC)
)
PLAIN = {
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: TIMES,
}


def value(kind: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation: plain types, records, tuples, dicts, unions, enums."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if kind is type(None):
        return st.none()
    if origin in (typing.Union, types.UnionType):
        return st.one_of([value(k) for k in inner])
    if origin is typing.Annotated:
        return value(inner[0])
    if origin is typing.Literal:
        return st.sampled_from(inner)
    if origin is tuple and inner[-1] is not ...:
        return st.tuples(*(value(k) for k in inner))
    if origin is tuple:
        return st.lists(value(inner[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(value(inner[0]), value(inner[1]), max_size=3)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    return record(kind)


def record(cls: type[BaseModel], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Records of the class, each field from its annotation unless fixed."""
    fields = {n: fixed[n] if n in fixed else _field(f) for n, f in cls.model_fields.items()}
    return st.fixed_dictionaries(fields).map(lambda values: cls(**values))


def _field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return value(field.annotation)


def facts() -> st.SearchStrategy[Fact]:
    """Facts of one run, of any kind but its start."""
    kinds = [cls for cls in KINDS.values() if cls is not RunStarted]
    return st.one_of([record(cls, run_id=st.just(RUN)) for cls in kinds])


def journals() -> st.SearchStrategy[list[Fact]]:
    """A start and any facts after it, keys repeated or not."""
    start = record(RunStarted, run_id=st.just(RUN))
    return st.builds(lambda first, rest: [first, *rest], start, st.lists(facts(), max_size=12))
