"""Values with units, as a plan writes them: `500ms`, `99.5 %`, `$120K`."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)\s*$")
_MONEY = re.compile(r"^\s*[$€£]?\s*(\d[\d_,]*(?:\.\d+)?)\s*([KkMmBb]?)\s*$")
_LONGEST_S = 100 * 366 * 86400.0
_TIMES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


def parse_duration(value: Any) -> float:
    """Seconds from `500ms`, `2 s`, `5m`, `1h`, `1d`. A number without a unit is refused.

    Raises:
        ValueError: no unit, an unknown unit or a negative time.
    """
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected a duration with a unit such as 500ms, 30s or 5m, got {value!r}")
    return float(match[1]) * _SECONDS[match[2]]


def parse_share(value: Any) -> float:
    """A share 0..1 from `95 %`. A bare number is refused: 95 and 0.95 look too much alike.

    Raises:
        ValueError: no percent sign, or outside 0 % to 100 %.
    """
    match = re.match(r"^\s*(\d+(?:\.\d+)?)\s*%\s*$", value) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise ValueError(f"expected a share from 0 % to 100 %, such as 95 %, got {value!r}")
    return float(match[1]) / 100


def parse_money(value: Any) -> float:
    """An amount from `120000`, `120K`, `$1.5M`.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    match = _MONEY.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected an amount such as 120000 or 120K, got {value!r}")
    return float(match[1].replace(",", "").replace("_", "")) * _TIMES[match[2].lower()]


def _from_plan(parse: Any) -> Any:
    """Read a plan's text; numbers pass only where a record is rebuilt from its own JSON."""

    def read(value: Any, info: ValidationInfo) -> float:
        if info.mode == "json" and isinstance(value, int | float):
            return float(value)
        return float(parse(value))

    return read


def _span(value: float) -> float:
    if not 0 <= value <= _LONGEST_S:
        raise ValueError(f"expected a duration of 0 s to 100 years, got {value:g} s")
    return value


def seconds(text: str) -> float:
    """A default for a `Seconds` field, written as a plan would."""
    return parse_duration(text)


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


Seconds = Annotated[
    float,
    BeforeValidator(_from_plan(parse_duration)),
    AfterValidator(_span),
    _schema(r"^\d+(\.\d+)? ?(ms|s|min|m|h|d)$", "30s"),
]
Share = Annotated[
    float, BeforeValidator(_from_plan(parse_share)), _schema(r"^\d+(\.\d+)? ?%$", "95 %")
]
Money = Annotated[
    float,
    BeforeValidator(_from_plan(parse_money)),
    Field(ge=0),
    WithJsonSchema({"type": ["number", "string"], "examples": ["120K"]}),
]
