"""The pages of the project and what stands in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/*.md")]
)


def name(page: Path) -> str:
    """The page's path from the root."""
    return page.relative_to(ROOT).as_posix()


def fences(page: Path) -> list[tuple[str, str]]:
    """(info, text) of each code fence; an indented fence loses its indentation."""
    found = re.findall(r"^( *)```([^\n]*)\n(.*?)^ *```", page.read_text(), re.M | re.S)
    return [(info.strip(), re.sub(rf"^{pad}", "", text, flags=re.M)) for pad, info, text in found]


def prose(page: Path) -> str:
    """The page without its code fences."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def commands() -> list[tuple[str, str]]:
    """(page, arguments) of each `goldenpath …` that a page shows, in a fence or in backticks."""
    shown = []
    for page in PAGES:
        blocks = [t for info, t in fences(page) if info in ("", "sh", "bash", "console", "yaml")]
        lines = [line for t in blocks for line in t.replace("\\\n", " ").splitlines()]
        lines += [" ".join(q.split()) for q in re.findall(r"`([^`]+)`", prose(page))]
        for line in lines:
            found = re.match(
                r"\s*(?:\$ |- run: )?(?:\w+=\S+ )*(?:\.venv/bin/)?goldenpath (.+)", line
            )
            if found:
                shown.append((name(page), re.split(r"\s#\s|\s#$", found[1])[0].strip()))
    return sorted(set(shown))
