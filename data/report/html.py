"""One self-contained page of a run: no script, no request, light and dark, phone and paper."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import islice
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from data.records.evidence import RunView
from data.report import wording
from data.report.cards import cards_of
from data.report.figures import figures_of
from data.report.markdown import seen_before
from data.report.measurements import measurements
from data.report.outputs import outputs
from data.report.sheet import Sheet
from data.report.suites import SuiteRow
from data.report.tones import Tone, symbol_of, tone_of
from data.report.troubles import troubles

_MAX_TROUBLES = 200


def run_html(view: RunView) -> str:
    """One run as a page that needs nothing else.

    Args:
        view: evidence, verdict, what was acted and history.

    Returns:
        An HTML document with its style and charts inside.
    """
    sheet = Sheet(view)
    found = troubles(sheet)
    return page("run.html.j2").render(
        **_judged(view),
        style=style(),
        sheet=sheet,
        run=view.evidence.run,
        cards=cards_of(sheet),
        figures=figures_of(sheet),
        measurements=measurements(sheet),
        outputs=outputs(sheet),
        troubles=found[:_MAX_TROUBLES],
        n_more_troubles=max(0, len(found) - _MAX_TROUBLES),
    )


def _judged(view: RunView) -> dict[str, Any]:
    return {
        "verdict": view.verdict,
        "word": wording.verdict_word(view),
        "tone": tone_of(wording.verdict_word(view)),
        "sentence": wording.deciding_sentence(view),
        "meaning": wording.meaning(view),
        "exit_code": wording.exit_code(view),
    }


def parts_of(row: SuiteRow) -> list[tuple[str, int, str]]:
    """(word, tests, class) of each part of a suite's bar, best first; empty parts are left out."""
    weak = min(row.passed, row.vacuous + row.insensitive)
    parts = [
        ("passed", row.passed - weak, str(Tone.GOOD)),
        ("passed without proof", weak, str(Tone.WARN)),
        ("flaky", row.flaky, str(Tone.WATCH)),
        ("failed", row.failed, str(Tone.BAD)),
        ("errors", row.errors, f"{Tone.BAD} hatched"),
        ("skipped", row.skipped, str(Tone.MUTE)),
        ("not run", row.not_run, f"{Tone.WARN} hatched"),
        ("missing", row.n_missing, "gap"),
    ]
    return [part for part in parts if part[1]]


@cache
def _environment() -> Environment:
    loaded = PackageLoader("data.report", "templates")
    made = Environment(
        loader=loaded,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_FILTERS)
    return made


def page(name: str) -> Template:
    """One of the page templates, with the filters of all pages."""
    return _environment().get_template(name)


@cache
def template_source(name: str) -> str:
    """One of our own files beside the templates, as it is: it holds no data."""
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]


@cache
def style() -> Markup:
    """The style sheet that all pages share."""
    return Markup(template_source("run.css"))


_FILTERS: dict[str, Callable[..., Any]] = {
    "tone": tone_of,
    "symbol": symbol_of,
    "span": wording.span,
    "latency": lambda value: wording.measured(value, "ms"),
    "moment": wording.moment,
    "measured": wording.measured,
    "parts": parts_of,
    "seen_before": seen_before,
    "words": lambda text: str(text).replace("_", " "),
    "first": lambda items, n: list(islice(items, n)),
}
