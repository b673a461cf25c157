"""What pydantic found is told in words of YAML and JSON, with what came."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from data.rules.expected import expected_and_got


class Thing(BaseModel):
    names: dict[str, int] = {}
    items: list[str] = []
    text: str = ""
    whole: Annotated[int, Field(gt=0, le=9)] = 1
    share: float = 0.5
    is_on: bool = True
    word: Literal["a", "b"] = "a"
    form: Annotated[str, Field(pattern="^x", min_length=2)] = "xx"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"names": ["a"]}, "expected names with values, such as `name: value`, got ['a']"),
        ({"items": {"a": 1}}, "expected a list, such as [one, two], got {'a': 1}"),
        ({"text": 5}, "expected a text, got 5"),
        ({"whole": "many"}, "expected a whole number, got 'many'"),
        ({"whole": 0}, "expected more than 0, got 0"),
        ({"whole": 10}, "expected at most 9, got 10"),
        ({"share": []}, "expected a number, got []"),
        ({"is_on": "maybe"}, "expected true or false, got 'maybe'"),
        ({"word": "c"}, "expected 'a' or 'b', got 'c'"),
        ({"form": "yy"}, "expected a text of the form ^x, got 'yy'"),
        ({"form": "x"}, "expected at least 2 characters, got 'x'"),
    ],
)
def test_each_fault_says_what_was_expected_and_what_came(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Thing.model_validate(given)
    assert [expected_and_got(dict(one)) for one in caught.value.errors()] == [said]
