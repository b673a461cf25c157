"""One line, and a capped rest, from what runners write about a red test."""

from __future__ import annotations

import re

DETAIL_CHARS = 4000
MESSAGE_CHARS = 300
_SAYS_NOTHING = re.compile(
    r"^(?:|fail(?:ed|ure)?|error|none|test failed|.*\.(?:spec|test)\.[cm]?[jt]sx?:\d+:\d+ .*)$",
    re.I,
)
_TYPE = re.compile(r"(?:^|[.\\$])([A-Za-z_]\w*(?:Error|Exception|Timeout))$")
_TELLING = re.compile(r"\b\w*(?:Error|Exception)\b: \S|\.go:\d+: |\bpanic: ")
_ANSI = re.compile(r"(?:\x1b|\ufffd)\[[0-9;]*m")
_IN_JSON = re.compile(r'"stack":"((?:[^"\\\n]|\\[^n])+)')
_XFAIL = re.compile(r"^expected failure: \(")  # xmlrunner, with an address of the run in it
_STAGES = {
    "failed on setup": "setup",
    "failed on teardown": "teardown",
    "collection failure": "collect",
}


class Capped:
    """Text that comes in pieces, of which so many characters are kept."""

    def __init__(self, n_chars: int = DETAIL_CHARS) -> None:
        self._room = n_chars
        self._parts: list[str] = []
        self.n_chars = 0

    def add(self, text: str) -> None:
        """Keep what there is room for, count the rest."""
        self.n_chars += len(text)
        if self._room > 0:
            self._parts.append(text[: self._room])
            self._room -= len(text)

    @property
    def text(self) -> str:
        """What was kept, and how much was not."""
        lost = f"\n… {-self._room} more characters" if self._room < 0 else ""
        return plain("".join(self._parts)).strip() + lost


def plain(text: str) -> str:
    """Without the colours of a terminal."""
    return _ANSI.sub("", text)


def one_line(text: str) -> str:
    """The first line that is not blank, capped."""
    line = next((s for part in text.splitlines() if (s := part.strip())), "")
    return line if len(line) <= MESSAGE_CHARS else line[: MESSAGE_CHARS - 1] + "…"


def told_message(kind: str, message: str, text: str) -> str:
    """`Type: message` in one line; where the message says nothing, the telling line of the text."""
    line = _first_words(plain(message))
    if _SAYS_NOTHING.match(line):
        lines = [s.strip() for s in text.splitlines()]
        found = _IN_JSON.search(text) if text.startswith("{") else None  # jest-junit, of a hook
        line = found[1] if found else next((s for s in lines if _TELLING.search(s)), "")
        line = line or one_line(text) or one_line(plain(message))
    found = _TYPE.search(kind)
    if found and found[1] not in line:
        line = f"{found[1]}: {line}" if line else found[1]
    return one_line(line) or kind or "no message"


def _first_words(message: str) -> str:
    """The first line; Robot Framework says `Setup failed:` there and what failed in the next."""
    line = one_line(message)
    return one_line(" ".join(message.split())) if line.endswith(":") else line


def skip_reason(kind: str, text: str) -> str:
    """Why a test was skipped, in one line; `xfail: …` for a failure that was expected."""
    line = one_line(text)
    if kind == "pytest.xfail":
        return f"xfail: {line}"
    return "xfail: expected to fail, and did" if _XFAIL.match(line) else line


def told_stage(message: str) -> str:
    """Where it ended; pytest says so in the message, others do not say."""
    return next((stage for head, stage in _STAGES.items() if message.startswith(head)), "call")
