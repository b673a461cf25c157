"""Laws of reading results: every dialect in the same words, and nothing that can fool or fell us."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.results import Ran, ReadCase, ResultFormat
from data.records.words import Outcome
from data.rules.readers.result_names import Ids
from data.rules.readers.results import ResultReader, guessed_format, reader_for
from tests.readers.dialects import (
    ALL,
    CTRF,
    GRADLE,
    JUNIT,
    NODE,
    PLAYWRIGHT_JSON,
    PYTEST,
    SUREFIRE,
    Dialect,
)


def read(
    format: ResultFormat, pieces: Iterable[bytes], ids: Ids | None = None
) -> tuple[list[ReadCase], ResultReader]:
    reader = reader_for(format, "report", ids)
    cases = [case for piece in pieces for case in reader.feed(piece)]
    return [*cases, *reader.close()], reader


def junit(text: str | bytes, ids: Ids | None = None) -> tuple[list[ReadCase], ResultReader]:
    return read("junit", [text if isinstance(text, bytes) else text.encode()], ids)


def outcomes(cases: list[ReadCase]) -> dict[str, str]:
    return {case.test_id: str(case.outcome) for case in cases}


@pytest.mark.parametrize("name", ALL)
def test_each_dialect_says_the_same_in_the_same_words(name: str) -> None:
    format, dialect = ALL[name]
    cases, reader = read(format, [dialect.text.encode()])
    assert [(c.test_id, str(c.outcome), c.message) for c in cases] == dialect.said
    assert (reader.faults, reader.readable, reader.cases) == ([], True, len(cases))
    assert guessed_format(dialect.text.encode()) == format


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("n_bytes", [1, 7, 100])
def test_how_a_file_is_cut_into_pieces_changes_nothing(name: str, n_bytes: int) -> None:
    format, dialect = ALL[name]
    raw = dialect.text.encode()
    whole, _ = read(format, [raw])
    pieces, reader = read(format, (raw[i : i + n_bytes] for i in range(0, len(raw), n_bytes)))
    assert (pieces, reader.faults) == (whole, [])


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(ALL)), share=st.floats(0, 1, exclude_max=True))
def test_a_torn_file_keeps_its_whole_cases_and_says_so(name: str, share: float) -> None:
    format, dialect = ALL[name]
    raw = dialect.text.rstrip().encode()
    cases, reader = read(format, [raw[: int(len(raw) * share)]])
    whole, _ = read(format, [raw])
    assert cases == whole[: len(cases)]
    assert reader.faults


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["junit", "ctrf"]))
def test_no_bytes_make_a_reader_raise(raw: bytes, format: ResultFormat) -> None:
    cases, reader = read(format, [raw])
    assert cases == []
    assert reader.faults or reader.readable


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(ALL)), st.integers(0, 3000), st.binary(min_size=1, max_size=4))
def test_damage_anywhere_never_raises_and_is_never_better(
    name: str, at: int, damage: bytes
) -> None:
    format, dialect = ALL[name]
    raw = dialect.text.encode()
    at %= len(raw)
    cases, _ = read(format, [raw[:at] + damage + raw[at + len(damage) :]])
    assert len(cases) <= len(dialect.said)


def test_the_case_in_which_a_file_ends_is_named() -> None:
    torn = SUREFIRE.text[: SUREFIRE.text.index("<rerunFailure")]
    cases, reader = junit(torn)
    assert outcomes(cases) == {"com.acme.ShopTest::buys": "PASS"}
    assert reader.torn_in == "com.acme.ShopTest::pays"
    assert reader.faults == ["the file is torn: it ends in com.acme.ShopTest::pays"]


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>
<testsuite><testcase name="&lol2;"/></testsuite>"""
EXTERNAL = """<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&x;"/></testsuite>"""
NOT_RESULTS = {
    "entity bomb": (BOMB, "document type (DTD)"),
    "external entity": (EXTERNAL, "document type (DTD)"),
    "external DTD": ('<!DOCTYPE testsuite SYSTEM "http://x/y.dtd"><testsuite/>', "document type (DTD)"),
    "undeclared entity": ("<testsuite><testcase name='&x;'/></testsuite>", "undefined entity"),
    "another report": ("<TestRun id='1'><Results/></TestRun>", "expected <testsuites> or <testsuite>, got <TestRun>"),
    "no XML": ("PASS all 7 tests", "not well-formed XML at line 1"),
    "empty": ("", "the file is empty"),
    "a page": ("<html><body>502</body></html>", "got <html>"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_RESULTS)
def test_what_is_no_file_of_results_says_what_it_is(name: str) -> None:
    text, fault = NOT_RESULTS[name]
    cases, reader = junit(text)
    assert cases == []
    assert fault in reader.faults[0]


LIES = {
    "more tests than cases": ('<testsuite tests="3"><testcase name="a"/></testsuite>', "tests=3, but 1 are in it"),
    "fewer tests than cases": ('<testsuite tests="1"><testcase name="a"/><testcase name="b"/></testsuite>', "tests=1, but 2"),
    "failures that no case has": ('<testsuite tests="1" failures="1"><testcase name="a"/></testsuite>', "1 failures and errors, but 0"),
    "failures kept back": ('<testsuite tests="1" failures="0"><testcase name="a"><failure/></testcase></testsuite>', "0 failures and errors, but 1"),
    "errors that no case has": ('<testsuite errors="2"><testcase name="a"/></testsuite>', "2 failures and errors, but 0"),
    "skipped that no case is": ('<testsuite skipped="1"><testcase name="a"/></testsuite>', "skipped=1, but 0"),
    "in the root": ('<testsuites tests="9"><testsuite><testcase name="a"/></testsuite></testsuites>', "tests=9, but 1"),
    "nothing but totals": ('<testsuite tests="25" failures="0"/>', "tests=25, but 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_totals_that_the_cases_do_not_bear_out_are_told(name: str) -> None:
    text, fault = LIES[name]
    _, reader = junit(text)
    assert fault in reader.faults[0]


@pytest.mark.parametrize("word", ["tests", "passed", "failed", "skipped", "other"])
def test_a_summary_that_the_tests_do_not_bear_out_is_told(word: str) -> None:
    text = CTRF.text.replace(f'"{word}": ', f'"{word}": 1', 1)
    _, reader = read("ctrf", [text.encode()])
    assert f"the summary says {word}=1" in reader.faults[0]


NOT_CTRF = ["{}", "[]", '{"results": {"summary": {}}}', '{"results": {"tests": 5}}', "{", "", '{"a" 1}', "null"]  # fmt: skip


@pytest.mark.parametrize("text", NOT_CTRF)
def test_json_that_is_no_report_says_so(text: str) -> None:
    cases, reader = read("ctrf", [text.encode()])
    assert cases == []
    assert "CTRF report" in reader.faults[0]
    assert not reader.readable


def test_an_unknown_status_is_no_pass() -> None:
    text = '{"results": {"tests": [{"name": "a", "status": "PASSED"}, {"name": "b"}, 7]}}'
    cases, _ = read("ctrf", [text.encode()])
    assert {str(case.outcome) for case in cases} == {"ERROR"}
    assert "unknown status 'PASSED'" in cases[0].findings


def test_repeated_ids_are_told_apart_over_all_files() -> None:
    ids, one = Ids(), '<testsuite name="s"><testcase name="a"/><testcase name="a"/></testsuite>'
    first, _ = junit(one, ids)
    second, _ = junit(one, ids)
    assert [c.test_id for c in first + second] == ["s::a", "s::a#2", "s::a#3", "s::a#4"]
    assert first[0].findings == ()
    assert first[1].findings == ("duplicated id: 2 tests are named 's::a'",)


def test_an_id_that_looks_repeated_is_not_taken_twice() -> None:
    names = "".join(f'<testcase name="{n}"/>' for n in ("a", "a#2", "a", "a"))
    cases, _ = junit(f"<testsuite>{names}</testsuite>")
    assert [c.test_id for c in cases] == ["a", "a#2", "a#3", "a#4"]


def test_a_hundred_thousand_equal_ids_take_no_longer_than_different_ones() -> None:
    ids = Ids()
    assert [ids.claim("a", "f")[0] for _ in range(100_000)][-1] == "a#100000"


ENCODINGS = [
    ("utf-8", "grün", 0),
    ("windows-1252", "grün", 0),
    ("iso-8859-1", "grün", 0),
    ("utf-16", "grün", 0),
    ("shift_jis", "緑", 0),
]


@pytest.mark.parametrize(("encoding", "word", "n_faults"), ENCODINGS)
def test_every_declared_encoding_is_read(encoding: str, word: str, n_faults: int) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="{word}"/></testsuite>'
    cases, reader = junit(text.encode(encoding))
    assert outcomes(cases) == {word: "PASS"}
    assert len(reader.faults) == n_faults


def test_a_broken_encoding_is_told_and_the_rest_is_kept() -> None:
    raw = b'<testsuite><testcase name="a\xff\xfe"/><testcase name="b"/></testsuite>'
    cases, reader = junit(raw)
    assert [c.test_id for c in cases] == ["a\ufffd\ufffd", "b"]
    assert reader.faults == ["2 characters are not utf-8: broken encoding"]


def test_an_unknown_encoding_is_told() -> None:
    _, reader = junit(
        '<?xml version="1.0" encoding="klingon"?><testsuite><testcase name="a"/></testsuite>'
    )
    assert reader.faults == ["unknown encoding 'klingon', read as UTF-8"]


def test_characters_that_xml_does_not_have_are_no_reason_to_stop() -> None:
    raw = b'<testsuite><testcase name="a"><failure message="&#27;[31mError: red&#x1B;[0m">\x1b[31mx\x00</failure></testcase><testcase name="b"/></testsuite>'
    cases, reader = junit(raw)
    assert outcomes(cases) == {"a": "FAIL", "b": "PASS"}
    assert cases[0].message == "Error: red"
    assert reader.faults == []


def test_a_case_ends_where_its_file_says() -> None:
    cases, _ = junit(PYTEST.text)
    assert cases[0].ended_at == datetime(2026, 1, 31, 11, 0, 0, 250_000, UTC)
    assert cases[1].ended_at == datetime(2026, 1, 31, 11, 0, 0, 750_000, UTC)
    gradle, _ = junit(GRADLE.text)
    assert gradle[0].ended_at == datetime(2026, 1, 31, 12, 0, 0, 250_000, UTC)
    ctrf, _ = read("ctrf", [CTRF.text.encode()])
    assert ctrf[0].ended_at == datetime(2026, 1, 31, 12, 0, 0, 12_000, UTC)
    node, _ = junit(NODE.text)
    assert {case.ended_at for case in node} == {None}


TIMES = [("0.25", 250.0), ("1,234.5", 1_234_500.0), ("", None), ("NaN", None), ("-1", None), ("soon", None)]  # fmt: skip


@pytest.mark.parametrize(("told", "duration_ms"), TIMES)
def test_a_time_that_is_none_is_no_duration(told: str, duration_ms: float | None) -> None:
    cases, _ = junit(f'<testsuite><testcase name="a" time="{told}"/></testsuite>')
    assert cases[0].duration_ms == duration_ms
    assert bool(cases[0].findings) == (duration_ms is None and told != "")


STATUSES = [("run", "PASS"), ("notrun", "SKIPPED"), ("disabled", "SKIPPED"), ("failed", "FAIL"), ("error", "ERROR")]  # fmt: skip


@pytest.mark.parametrize(("status", "outcome"), STATUSES)
def test_a_status_is_read_where_it_is_all_there_is(status: str, outcome: str) -> None:
    cases, _ = junit(f'<testsuite><testcase name="a" status="{status}"/></testsuite>')
    assert outcomes(cases) == {"a": outcome}


def test_what_a_case_says_is_capped() -> None:
    text = f'<testsuite><testcase name="a"><failure message="{"m" * 9000}">{"t" * 90_000}</failure><system-out>{"o" * 90_000}</system-out></testcase></testsuite>'
    (case,), _ = junit(text)
    assert len(case.message) <= 300
    assert len(case.detail) < 4200
    assert "86000 more characters" in case.detail
    assert "(it printed 90000 characters)" in case.detail


def huge(n_mb: int) -> Iterator[bytes]:
    """A file whose runner printed so much."""
    yield b'<testsuites><testsuite name="s" tests="1000"><system-out><![CDATA['
    for _ in range(n_mb):
        yield b"a line of output, and another\n" * 34953
    yield b"]]></system-out>"
    yield b"".join(b'<testcase classname="c" name="t%d" time="0.1"/>' % n for n in range(1000))
    yield b"</testsuite></testsuites>"


def test_a_file_of_100_mb_is_read_in_bounded_memory() -> None:
    tracemalloc.start()
    cases, reader = read("junit", huge(100))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(cases), reader.faults) == (1000, [])
    assert peak_bytes < 16 * 1024**2, peak_bytes


def endless(head: bytes) -> Iterator[bytes]:
    yield head
    for _ in range(40):
        yield b"x" * 1024**2


@pytest.mark.parametrize(
    ("format", "head"),
    [("junit", b'<testsuite name="'), ("ctrf", b'{"results": {"tests": [{"name": "')],
)
def test_one_item_without_an_end_does_not_fill_the_memory(
    format: ResultFormat, head: bytes
) -> None:
    cases, reader = read(format, endless(head))
    assert cases == []
    assert "16 MB" in reader.faults[0]


def test_suites_nested_without_end_are_refused() -> None:
    _, reader = junit("<testsuite>" * 5000)
    assert "nested deeper than 200" in reader.faults[0]


def test_every_dialect_that_is_promised_is_here() -> None:
    promised = "pytest surefire gradle jest playwright gotestsum dotnet phpunit"
    assert set(promised.split()) <= set(JUNIT)
    assert all(isinstance(d, Dialect) and len(d.said) > 1 for d in JUNIT.values())


def playwright(**changes: object) -> tuple[list[ReadCase], list[str]]:
    """What the reader makes of a report with other members."""
    document = json.loads(PLAYWRIGHT_JSON.text) | changes
    cases, reader = read("playwright", [json.dumps(document).encode()])
    return cases, reader.faults


def test_playwright_says_when_each_test_ran() -> None:
    cases, faults = playwright()
    assert faults == []
    assert cases[0].ended_at == datetime(2026, 1, 31, 12, 0, 0, 350_000, UTC)
    ran = {case.test_id.rpartition("::")[2]: case.ran for case in cases}
    start_s = datetime(2026, 1, 31, 12, 0, 0, 100_000, UTC).timestamp()
    assert ran["shows its prices"] == Ran((start_s,), start_s + 0.25, 0.002, "worker 0")
    assert ran["adds up"] == Ran((start_s, start_s), start_s + 0.01, 0.002, "worker 0")
    assert ran["never began"] is None


def test_an_error_outside_of_tests_is_a_fault_of_the_file() -> None:
    _, faults = playwright(errors=[{"message": "\x1b[31mError: Cannot find module 'x'\x1b[39m"}])
    assert faults == ["an error outside of tests: Error: Cannot find module 'x'"]
    assert playwright(errors=[{"message": "Testing stopped early after 1 maximum"}])[1] == []


def test_totals_of_playwright_are_held_against_its_tests() -> None:
    _, faults = playwright(stats={"expected": 4, "unexpected": 3, "skipped": 2, "flaky": 0})
    assert faults == [
        "the report says expected=4, but 3 are in it",
        "the report says flaky=0, but 1 are in it",
    ]


@pytest.mark.parametrize("last", ["failed", "timedOut", "skipped", "interrupted", "", "strange"])
@pytest.mark.parametrize("status", ["expected", "flaky", "unexpected", "skipped", "strange"])
def test_a_test_of_playwright_is_never_better_than_its_last_result(status: str, last: str) -> None:
    result = {"status": last, "startTime": "2026-01-31T12:00:00.100Z", "duration": 1}
    test = {"expectedStatus": "passed", "status": status, "results": [result]}
    suites = [{"title": "a", "file": "a", "specs": [{"title": "t", "file": "a", "tests": [test]}]}]
    cases, _ = playwright(suites=suites, stats={})
    assert [c.outcome for c in cases] != [Outcome.PASS]
    assert cases[0].outcome is not Outcome.FLAKY
