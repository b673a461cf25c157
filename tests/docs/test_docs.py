"""The documents hold: commands exist, links lead somewhere, plans load, what is shown is printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from data.records.words import Mark, Outcome, Priority, VerdictWord
from data.rules.judge.case import effect_of
from data.rules.planning.load import load_plan
from flows.cli import main
from tests.docs.pages import PAGES, ROOT, anchors, commands, fences, name, prose

COMMANDS = main.list_commands(click.Context(main))
SHOWN = commands()
PLANS = [(name(p), text) for p in PAGES for info, text in fences(p) if info == "yaml plan"]
README = (ROOT / "README.md").read_text()
pages = pytest.mark.parametrize("page", PAGES, ids=name)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(command: str) -> None:
    done = CliRunner().invoke(main, [command, "--help"])
    assert done.exit_code == 0
    assert "Example" in done.output
    assert f"goldenpath {command}" in done.output.split("Example")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_one_line_of_the_readme(command: str) -> None:
    assert len(re.findall(rf"^\| `goldenpath {command}[ `]", README, re.M)) == 1


@pages
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#\s]*)(#[^)\s]*)?\)", page.read_text()):
        other = page.parent / target if target else page
        if not other.exists() or (anchor and anchor[1:] not in anchors(other)):
            lost.append(f"{target}{anchor}")
    assert lost == []


@pages
def test_files_that_are_named_exist(page: Path) -> None:
    """`flows/wiring.py`, `docs/adr/`, `prefect.yaml`: what looks like a file of ours is one."""
    rooms = "flows|tasks|blocks|data|docs|tests|examples"
    named = re.findall(rf"`((?:{rooms})/[\w./-]*)`", prose(page))
    named += re.findall(r"`((?:pyproject|prefect|constraints|requirements)\.\w+)`", prose(page))
    of_the_reader = {"tests/test_smoke.py"} if page.name == "tutorial.md" else set()
    assert [n for n in named if n not in of_the_reader and not _is_ours(n)] == []


def _is_ours(named: str) -> bool:
    """A file or folder, or a module without its suffix."""
    return (ROOT / named).exists() or (ROOT / f"{named}.py").exists()


@pytest.mark.parametrize(("page", "line"), SHOWN)
def test_commands_shown_are_understood(page: str, line: str) -> None:
    """Parsed by click itself, and not run."""
    words = _words(line)
    command = main.get_command(click.Context(main), words[0])
    assert command is not None, f"{page}: {line}"
    if words[1:] and "…" not in words:
        command.make_context(words[0], words[1:], resilient_parsing=False)


def _words(line: str) -> list[str]:
    words = shlex.split(re.sub(r"good\\?\|bad", "good", line))
    ends = [i for i, word in enumerate(words) if re.match(r"^(\||&&|;|\d?>{1,2}.*)$", word)]
    return words[: ends[0]] if ends else words


@pytest.mark.parametrize(("page", "text"), PLANS)
def test_plans_shown_have_no_fault(page: str, text: str) -> None:
    load_plan(text, page, {})


def test_the_readmes_plan_is_small_and_passes_check(tmp_path: Path) -> None:
    text = next(text for page, text in PLANS if page == "README.md")
    assert len(text.splitlines()) <= 25
    (tmp_path / "plan.yaml").write_text(text)
    done = CliRunner().invoke(main, ["check", str(tmp_path / "plan.yaml")])
    assert done.exit_code == 0, done.output
    assert "no faults" in done.output


@pages
def test_yaml_that_is_shown_can_be_read(page: Path) -> None:
    for info, text in fences(page):
        if info.startswith("yaml"):
            yaml.safe_load(text)


def test_the_report_in_the_readme_is_what_the_gate_prints() -> None:
    done = CliRunner().invoke(main, ["judge", str(ROOT / "examples/worklog/evidence.json")])
    excerpt = next(t for _, t in fences(ROOT / "README.md") if t.startswith("HOLD"))
    assert done.exit_code == 10
    printed = done.output.splitlines()
    assert [line for line in excerpt.splitlines() if line != "…" and line not in printed] == []


def test_the_lattice_of_the_documents_is_the_judges() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| ([A-Z_, ]+) \| ([A-Z_]+) \| ([A-Z_]+) \| ([A-Z_]+) \|$", page, re.M)
    told = {
        (Mark(mark), priority): VerdictWord(word)
        for marks, *words in rows
        for mark in marks.split(", ")
        for priority, word in zip(Priority, words, strict=True)
    }
    assert told == {(m, p): effect_of(p, m) for m in Mark for p in Priority}


@pytest.mark.parametrize("page", ["README.md", "docs/vocabulary.md"])
def test_exit_codes_are_those_of_the_verdicts(page: str) -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", (ROOT / page).read_text(), re.M)
    told = {VerdictWord(w): int(n) for n, text in rows for w in re.findall(r"[A-Z_]{4,}", text)}
    assert told == {word: word.exit_code for word in VerdictWord}


def test_the_vocabulary_knows_every_closed_word() -> None:
    page = (ROOT / "docs" / "vocabulary.md").read_text()
    words = {*Outcome, *Mark, *VerdictWord, *Priority}
    assert [w for w in words if not re.search(rf"\b{w}\b", page)] == []


def test_each_decision_has_its_four_parts() -> None:
    for page in (ROOT / "docs" / "adr").glob("*.md"):
        text, parts = page.read_text(), ("Context", "Decision", "Consequences")
        assert re.search(r"^Status: \w+", text, re.M), page.name
        assert [part for part in parts if f"\n## {part}\n" not in text] == [], page.name


def test_make_targets_of_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {t for page in PAGES for t in re.findall(r"`make ([a-z-]+)`", page.read_text())}
    assert named >= {"demo", "test"}
    assert [t for t in named if not re.search(rf"^{t}:", makefile, re.M)] == []


def test_deployments_and_pool_of_the_documents_are_those_of_prefect_yaml() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {d["name"] for d in declared} == set(re.findall(r"`(staging[\w-]*|nightly)`", README))
    pools = {p for page in PAGES for p in re.findall(r"--pool (\S+)", page.read_text())}
    assert {d["work_pool"]["name"] for d in declared} == pools


def test_what_is_not_there_yet_is_really_not_there() -> None:
    assert "Not there yet" in README
    assert not {"promote"} & set(COMMANDS)


def test_there_is_something_to_test() -> None:
    assert len(SHOWN) >= 20
    assert len(PLANS) >= 3
