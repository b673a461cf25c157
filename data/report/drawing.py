"""One drawn chart with its words."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from data.report import charts


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawn chart. `title` names it for those who cannot see it; `caption` is text."""

    title: str
    caption: str
    svg: Markup


def figure(spec: charts.Spec, title: str, caption: str, ordinal: int) -> Figure:
    """Draw it; ids in it begin with the ordinal, so that no two charts of a page share one."""
    # The SVG is made by Vega, which escapes all text of the data (proved by a test).
    drawn = Markup(charts.svg(spec, f"{title}. {caption}", ordinal))
    return Figure(title=title, caption=caption, svg=drawn)
