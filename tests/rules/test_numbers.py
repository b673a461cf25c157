"""Numbers from text: all of them or every reason why not."""

from __future__ import annotations

import pytest

from data.errors import PlanError
from data.rules.numbers import read_numbers

READABLE = [
    ("[1, 2.5, -3]", [1.0, 2.5, -3.0]),
    ("  [1e3]\n", [1000.0]),
    ("[]", []),
    ("", []),
    ("1\n2\n", [1.0, 2.0]),
    ("latency_ms\n10\n20", [10.0, 20.0]),
    ("1\n\n 2 \n", [1.0, 2.0]),
    ("1\r\n2", [1.0, 2.0]),
    ('"10"\n"20"', [10.0, 20.0]),
    ('["10", 20]', [10.0, 20.0]),
    ("header", []),
]
FAULTY = [
    ("[1, null, true, [2]]", [(0, "None"), (0, "True"), (0, "[2]")]),
    ("[1, NaN, Infinity]", [(0, "nan"), (0, "inf")]),
    ("1\nx\n3\ny", [(2, "'x'"), (4, "'y'")]),
    ("a\nb\n3", [(2, "'b'")]),
    ("1\nnan", [(2, "'nan'")]),
    ("[1,", [(0, "not readable JSON")]),
    ('{"a": 1}', [(0, "a JSON list")]),
    ("1,2\n3,4", [(1, "one column")]),
    ("t\n1\n2,3", [(3, "one column")]),
]


@pytest.mark.parametrize(("text", "expected"), READABLE)
def test_finite_numbers_are_read(text: str, expected: list[float]) -> None:
    assert read_numbers(text, "f") == expected


@pytest.mark.parametrize(("text", "places"), FAULTY)
def test_everything_else_is_told_with_its_line(text: str, places: list[tuple[int, str]]) -> None:
    with pytest.raises(PlanError) as caught:
        read_numbers(text, "f.csv")
    faults = caught.value.faults
    assert [f.line for f in faults] == [line for line, _ in places]
    assert all(part in f.message for f, (_, part) in zip(faults, places, strict=True))
    assert {f.file for f in faults} == {"f.csv"}
