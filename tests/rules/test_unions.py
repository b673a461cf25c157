"""Of a place with several forms only the faults of the form that was meant are told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from data.records.load import LoadTerms
from data.rules.planning.unions import of_the_form_meant


def told(*stages: Any) -> list[tuple[str, str]]:
    value = {"stages": list(stages)}
    with pytest.raises(ValidationError) as found:
        LoadTerms.model_validate(value)
    errors = [dict(one) for one in found.value.errors(include_url=False)]
    errors = [one for one in errors if one["type"] != "too_short"]
    return [(one["type"], str(one["loc"][-1])) for one in of_the_form_meant(errors, value)]


@pytest.mark.parametrize(
    ("stage", "faults"),
    [
        ({"rate": 20, "for": "5s"}, [("value_error", "rate")]),
        ({"users": "many", "for": "5s"}, [("int_parsing", "users")]),
        ({"users": 5, "for": "soon"}, [("value_error", "for")]),
    ],
)
def test_the_form_whose_keys_fit_is_the_one_meant(
    stage: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    assert told(stage) == faults


def test_where_nothing_tells_the_form_all_are_told() -> None:
    assert {("missing", "rate"), ("missing", "users")} <= set(told({"for": "5s"}))


def test_each_place_is_looked_at_by_itself() -> None:
    stages = {"rate": 20, "for": "5s"}, {"users": "many", "for": "5s"}
    assert told(*stages) == [("value_error", "rate"), ("int_parsing", "users")]
