"""Every form of an audit's report says the same, and nothing in it becomes markup."""

from __future__ import annotations

from datetime import UTC, datetime

from data.records.audit import AuditView
from data.records.facts import RunEnded, RunStarted, SensitivityCell, SuiteAudit
from data.report.audit import AuditSheet, audit_document, audit_html, audit_markdown, audit_text

AT = datetime(2026, 1, 1, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


def view(*cells: tuple[str, str, str, bool]) -> AuditView:
    made = tuple(
        SensitivityCell(
            run_id="r",
            phase="p",
            suite=s,
            test_id=t,
            fault=f,
            turned_red=red,
            outage=f == "refused",
            at=AT,
        )
        for s, t, f, red in cells
    )
    suites = [
        SuiteAudit(
            run_id="r",
            phase="p",
            suite=s,
            audited=True,
            n_tests=1,
            at=AT,
            controls=("refused", "empty"),
        )
        for s in dict.fromkeys(c.suite for c in made)
    ]
    apart = SuiteAudit(
        run_id="r", phase="p", suite="fixed", audited=False, reason=f"why {EVIL}", at=AT
    )
    run = RunStarted(
        run_id="r", plan="shop", environment="e", deployment_id="d", started_at=AT, purpose="audit"
    )
    ended = RunEnded(run_id="r", finished_at=AT)
    return AuditView(run=run, ended=ended, suites=(*suites, apart), cells=made)


FOUND = view(
    ("chat", "t.py::test_a", "refused", True),
    ("chat", "t.py::test_a", "empty", False),
    ("chat", f"t.py::test_{EVIL}", "refused", False),
    ("chat", f"t.py::test_{EVIL}", "empty", False),
    ("probe", "", "refused", True),
)


def test_the_matrix_has_a_word_for_what_was_not_tried() -> None:
    rows = {row.name: row.cells for row in AuditSheet(FOUND).rows}
    assert rows["test_a"] == ("noticed", "green")
    assert rows[f"test_{EVIL}"] == ("weak", "green")
    assert rows["probe"] == ("noticed", "unknown")


def test_all_forms_name_the_tests_that_never_turn_red_and_the_unknown_suites() -> None:
    for text in (audit_text(FOUND), audit_markdown(FOUND), audit_html(FOUND)):
        assert "1 of 3 tests never turn red, 1 stay green when nothing works" in text
        assert "fixed" in text
    document = audit_document(FOUND)
    suites = {suite["id"]: suite for suite in document["suites"]}
    assert suites["chat"]["can_go_red_share"] == 0.5
    assert suites["chat"]["blind_to"] == ["empty"]
    assert suites["fixed"]["audited"] is False
    assert suites["fixed"]["can_go_red_share"] is None
    assert len(document["matrix"]) == 5


def test_names_of_tests_never_become_markup() -> None:
    assert "<script>" not in audit_html(FOUND)
    assert "<script>" not in audit_markdown(FOUND)


def test_an_audit_of_nothing_says_so() -> None:
    assert "nothing could be audited" in audit_text(view())
    assert "Nothing could be audited" in audit_html(view())
