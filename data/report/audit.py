"""An audit's report: text, Markdown, page and document, all from the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from data.records.audit import AuditView
from data.records.facts import SensitivityCell, SuiteAudit
from data.records.record import Record
from data.report import wording
from data.report.columns import grid, listed
from data.report.html import page, style
from data.report.marked import bullets, escaped, table
from data.rules.sensitivity import SuiteScore, scores

_HEAD = ("Suite", "tests", "can go red", "stays green under", "never red")
_LIMIT = 60
NOTICED, WEAK, GREEN, UNKNOWN = "noticed", "weak", "green", "unknown"
_SIGNS = {NOTICED: "red", WEAK: "GREEN!", GREEN: "green", UNKNOWN: "?"}


class MatrixRow(Record):
    """One test (or probe) against every control.

    `noticed`: it turned red. `weak`: it stayed green although nothing works under the control.
    `green`: it stayed green under a fault that need not concern it. `unknown`: nobody can say.
    """

    suite: str
    test_id: str
    cells: tuple[str, ...]

    @property
    def name(self) -> str:
        """As a reader knows it: the test's own name, or the probe's."""
        return self.test_id.rpartition("::")[2] or self.suite

    @property
    def never_red(self) -> bool:
        """Whether nothing that was broken turned it red."""
        return NOTICED not in self.cells

    def where(self, word: str, controls: Sequence[str]) -> tuple[str, ...]:
        """The controls under which its cell has this word."""
        return tuple(c for c, cell in zip(controls, self.cells, strict=True) if cell == word)


def _word(cell: SensitivityCell) -> str:
    if cell.turned_red:
        return NOTICED
    return WEAK if cell.outage else GREEN


class AuditSheet:
    """What all forms of the report show."""

    def __init__(self, view: AuditView) -> None:
        self.view = view
        tried = (control for suite in view.suites for control in suite.controls)
        self.controls = tuple(dict.fromkeys(tried))
        self.scores = {row.suite: row for row in scores(view.cells)}

    @cached_property
    def rows(self) -> tuple[MatrixRow, ...]:
        """The matrix, in the order of the plan's suites and their tests."""
        known = {(c.suite, c.test_id, c.fault): _word(c) for c in self.view.cells}
        return tuple(
            MatrixRow(
                suite=suite,
                test_id=test,
                cells=tuple(known.get((suite, test, c), UNKNOWN) for c in self.controls),
            )
            for suite, test in dict.fromkeys((c.suite, c.test_id) for c in self.view.cells)
        )

    @property
    def unknown(self) -> tuple[SuiteAudit, ...]:
        """Suites and probes that could not be audited."""
        return tuple(suite for suite in self.view.suites if not suite.audited)

    @property
    def never_red(self) -> tuple[str, ...]:
        """`suite/test` of each test that nothing turned red."""
        return tuple(f"{row.suite}/{row.name}" for row in self.rows if row.never_red)

    @property
    def weak(self) -> tuple[str, ...]:
        """`suite/test: controls` of each test that stays green although nothing works."""
        found = ((row, row.where(WEAK, self.controls)) for row in self.rows)
        return tuple(f"{r.suite}/{r.name}: {', '.join(at)}" for r, at in found if at)

    @property
    def headline(self) -> str:
        """One sentence with the numbers that matter."""
        n_weak = len(self.never_red)
        tests = wording.counted(len(self.rows), "test")
        unknown = f"; {len(self.unknown)} suites unknown" if self.unknown else ""
        if not self.rows:
            return f"nothing could be audited{unknown}"
        said = f"{n_weak} of {tests} never turn red" if n_weak else f"each of {tests} can turn red"
        said += f", {len(self.weak)} stay green when nothing works" if self.weak else ""
        return f"{said}; {wording.counted(len(self.controls), 'control')} tried{unknown}"

    @property
    def apart(self) -> tuple[str, ...]:
        """What could not be audited, and why."""
        said = [f"{s.suite}: {s.reason}" for s in self.unknown]
        for suite in self.view.suites:
            said += [f"{suite.suite}/{t}: red on the sound target" for t in suite.red_before]
            said += [f"{suite.suite}/{t}: did not follow its target" for t in suite.unmoved]
        return tuple(said)


def audit_text(view: AuditView) -> str:
    """One audit for a terminal."""
    sheet = AuditSheet(view)
    run = view.run
    lines = [
        f"AUDIT: {sheet.headline}",
        f"  plan {run.plan} · environment {run.environment} · run {run.run_id}",
        f"  controls: {', '.join(sheet.controls) or 'none'}",
        "",
    ]
    if sheet.scores:
        lines += grid(_HEAD, [_score_row(s) for s in sheet.scores.values()], left=(0, 3))
    if sheet.never_red:
        lines += ["", "Never red, whatever is broken", *listed(sheet.never_red, _LIMIT)]
    if sheet.weak:
        lines += ["", "Green although nothing works", *listed(sheet.weak, _LIMIT)]
    if sheet.apart:
        lines += ["", "Not audited, so unknown", *listed(sheet.apart, _LIMIT)]
    return "\n".join(lines) + "\n"


def _score_row(score: SuiteScore) -> tuple[str, ...]:
    share = f"{score.n_red} of {score.n_controls}"
    blind = ", ".join(score.blind_to)
    return score.suite, str(score.n_tests), share, blind, str(len(score.never_red) or "")


def audit_markdown(view: AuditView) -> str:
    """One audit as Markdown (GFM), with the matrix as a table."""
    sheet = AuditSheet(view)
    matrix = [(r.suite, r.name, *(_SIGNS[c] for c in r.cells)) for r in sheet.rows]
    parts = [
        f"# {escaped('Audit: ' + sheet.headline)}",
        f"Run {escaped(view.run.run_id)}, {escaped(wording.moment(view.run.started_at))}",
        *_part("Suites", table(_HEAD, [_score_row(s) for s in sheet.scores.values()])),
        *_part("Never red", bullets(sheet.never_red)),
        *_part("Green although nothing works", bullets(sheet.weak)),
        *_part("Not audited, so unknown", bullets(sheet.apart)),
        *_part("Matrix", table(("Suite", "Test", *sheet.controls), matrix)),
    ]
    return "\n\n".join(parts) + "\n"


def _part(title: str, lines: list[str]) -> list[str]:
    return ["\n".join([f"## {title}", "", *(lines or ["none"])])]


def audit_html(view: AuditView) -> str:
    """One audit as a page that needs nothing else, with the matrix as a heat map."""
    return page("audit.html.j2").render(style=style(), sheet=AuditSheet(view), run=view.run)


def audit_document(view: AuditView) -> dict[str, Any]:
    """The one JSON document of `goldenpath audit --json`."""
    sheet = AuditSheet(view)
    run, ended = view.run, view.ended
    return {
        "run_id": run.run_id,
        "plan": run.plan,
        "environment": run.environment,
        "controls": list(sheet.controls),
        "suites": [_suite(suite, sheet) for suite in view.suites],
        "matrix": [
            {"suite": c.suite, "test_id": c.test_id, "fault": c.fault, "turned_red": c.turned_red}
            for c in view.cells
        ],
        "started_at": run.started_at.isoformat(),
        "finished_at": ended.finished_at.isoformat() if ended else None,
    }


def _suite(suite: SuiteAudit, sheet: AuditSheet) -> dict[str, Any]:
    score = sheet.scores.get(suite.suite)
    return {
        "id": suite.suite,
        "phase": suite.phase,
        "audited": suite.audited,
        "reason": suite.reason,
        "n_tests": suite.n_tests,
        "can_go_red_share": round(score.share, 4) if score else None,
        "blind_to": list(score.blind_to) if score else [],
        "never_red": list(score.never_red) if score else [],
        "red_before": list(suite.red_before),
        "unmoved": list(suite.unmoved),
    }
