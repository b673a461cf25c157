"""The plan's reference is what the records say."""

from __future__ import annotations

from pathlib import Path

from tests.docs.reference import render

PAGE = Path(__file__).parents[2] / "docs" / "plan.md"


def test_the_page_is_generated_from_the_records() -> None:
    assert PAGE.read_text() == render(), "run: python -m tests.docs.reference > docs/plan.md"
