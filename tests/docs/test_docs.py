"""The documents hold: commands exist, links lead somewhere, plans load, queries run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from data.rules.planning.load import load_plan
from flows.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/*.md")]
)
COMMANDS = main.list_commands(click.Context(main))


def _fences(page: Path) -> list[tuple[str, str]]:
    """(info, text) of each code fence; an indented fence loses its indentation."""
    found = re.findall(r"^( *)```([^\n]*)\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [
        (info.strip(), re.sub(rf"^{pad}", "", text, flags=re.MULTILINE))
        for pad, info, text in found
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_an_example(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert "Example" in done.output
    assert f"goldenpath {name}" in done.output


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_in_the_readme(name: str) -> None:
    assert f"`goldenpath {name}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text())
    assert [t for t in targets if not (page.parent / t).exists()] == []


def _shown() -> list[tuple[str, str]]:
    return [
        (page.relative_to(ROOT).as_posix(), line.split("goldenpath ", 1)[1].split(" #")[0].strip())
        for page in PAGES
        for info, text in _fences(page)
        if info in ("", "sh", "bash", "console")
        for line in text.replace("\\\n", " ").splitlines()
        if re.match(r"\s*(?:\$ )?(?:\w+=\S+ )*(?:\.venv/bin/)?goldenpath ", line)
    ]


@pytest.mark.parametrize(("page", "line"), _shown())
def test_commands_shown_exist_with_their_options(page: str, line: str) -> None:
    words = shlex.split(line)
    ends = [i for i, w in enumerate(words) if w in ("|", ">", "&&", ";")]
    name, *rest = words[: ends[0]] if ends else words
    command = main.get_command(click.Context(main), name)
    assert command is not None, f"{page}: {line}"
    known = {option for p in command.params for option in p.opts}
    assert [
        w for w in rest if w.startswith("--") and w.split("=")[0] not in known | {"--help"}
    ] == []


def _plans() -> list[tuple[str, str]]:
    return [
        (page.relative_to(ROOT).as_posix(), text)
        for page in PAGES
        for info, text in _fences(page)
        if info == "yaml plan"
    ]


@pytest.mark.parametrize(("page", "text"), _plans())
def test_plans_shown_have_no_fault(page: str, text: str) -> None:
    load_plan(text, page, {})


def test_at_least_one_plan_and_some_commands_are_shown() -> None:
    assert _plans()
    assert len(_shown()) >= 5


def test_the_ci_and_make_targets_of_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {t for page in PAGES for t in re.findall(r"`make ([a-z-]+)`", page.read_text())}
    assert [t for t in named if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
