"""Why a suite is broken, in one sentence, from what its runner left behind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_EXCEPTION = re.compile(r"^(?:E\s+)?((?:[A-Za-z_][\w.]*)(?:Error|Exception|Exit|Interrupt)\b.*)$")
_NO_PYTEST = re.compile(r"No module named '?pytest'?(?![\w.])")
_HINT = (
    "the command must end in pytest and hand PYTEST_ADDOPTS and PYTHONPATH on "
    "(tox: passenv; not python -E or -I; not inside a container without them)"
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a runner ended.

    Attributes:
        exit_code: negative for a signal; None when the gate killed it.
        start_error: why it could not be started, "" when it was.
        loaded: whether the witness plugin said anything.
        collected: whether a manifest was written.
        collect_errors: one sentence for each module that could not be collected.
        stopped: why pytest stopped early in order (-x, --stepwise), "" when it did not.
        stdout, stderr: the last kilobytes.
    """

    exit_code: int | None
    start_error: str = ""
    loaded: bool = True
    collected: bool = True
    collect_errors: Sequence[str] = ()
    stopped: str = ""
    stdout: str = ""
    stderr: str = ""


def broken_reason(ended: Ended) -> str:
    """The suite's own fault in one sentence, "" when there is none.

    A suite that the gate had to kill is not broken, and neither is one with failed tests (exit
    code 1), an early stop, or no tests at all (5): those are told elsewhere.

    Source: pytest's exit codes 2 interrupted, 3 internal error, 4 usage, 5 nothing collected.
    """
    if ended.start_error:
        return f"the suite's command cannot be started: {ended.start_error}"
    if ended.collect_errors:
        more = len(ended.collect_errors) - 1
        return f"the suite is broken: {ended.collect_errors[0]}" + (f" (+{more} more)" * (more > 0))
    if ended.exit_code is None:
        return ""
    if not ended.loaded:
        return _without_plugin(ended)
    if ended.exit_code == 3:
        return f"pytest itself failed in this suite: {_internal_error(ended.stdout + ended.stderr)}"
    if ended.collected:
        return "the suite was interrupted" if ended.exit_code == 2 and not ended.stopped else ""
    return _before_collection(ended)


def _without_plugin(ended: Ended) -> str:
    last = _last_line(ended.stderr) or _last_line(ended.stdout)
    if _NO_PYTEST.search(ended.stderr):
        return f"the suite's interpreter has no pytest: {last}"
    if ended.exit_code in (126, 127):
        return f"the suite's command was not found: {last}"
    said = f"; its last words: {last}" if last else ""
    return (
        f"the witness plugin was not loaded: the command ended with exit code {ended.exit_code} "
        f"and reported no test{said} ({_HINT})"
    )


def _before_collection(ended: Ended) -> str:
    if ended.exit_code == 5:
        return ""
    text = f"{ended.stdout}\n{ended.stderr}"
    why = _usage_error(ended.stderr) or last_exception(text) or _last_line(text)
    head = "pytest could not begin" if ended.exit_code == 4 else "the runner ended"
    return f"{head} (exit code {ended.exit_code}) before it collected any test: {why}"


def last_exception(text: str) -> str:
    """The last line that names an exception, as pytest (`E   Type: …`) or Python prints it."""
    found = [match[1] for line in text.splitlines() if (match := _EXCEPTION.match(line.strip()))]
    return _short(found[-1]) if found else ""


def _usage_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines()]
    found = [line[7:].strip() for line in lines if line.startswith("ERROR: ")]
    if found and found[0].startswith("usage:"):
        found = [line for line in lines if "error:" in line] or found
    return _short(found[0]) if found else ""


def _internal_error(text: str) -> str:
    lines = [line[14:].strip() for line in text.splitlines() if line.startswith("INTERNALERROR>")]
    return last_exception("\n".join(lines)) or _short(lines[-1] if lines else _last_line(text))


def _last_line(text: str) -> str:
    return _short(next((s for line in reversed(text.splitlines()) if (s := line.strip())), ""))


def _short(line: str, n_chars: int = 300) -> str:
    return line if len(line) <= n_chars else line[: n_chars - 1] + "…"


@dataclass(frozen=True, slots=True)
class Reported:
    """How a runner ended that is no pytest, and the files of results that it left.

    Attributes:
        exit_code: negative for a signal; None when the gate killed it.
        pattern: where its files were to be; n_files: how many were written by this run.
        stale: files that match and are from before its start.
        faults: what keeps its files from being trusted.
    """

    exit_code: int | None
    start_error: str = ""
    pattern: str = ""
    n_files: int = 0
    stale: Sequence[str] = ()
    faults: Sequence[str] = ()
    stdout: str = ""
    stderr: str = ""


def reported_reason(ended: Reported) -> str:
    """The suite's own fault in one sentence, "" when there is none.

    One that the gate had to kill is not broken: that its last file is torn is no wonder.
    """
    if ended.start_error:
        return f"the suite's command cannot be started: {ended.start_error}"
    if ended.exit_code is None:
        return ""
    if not ended.n_files:
        return _without_results(ended)
    more = len(ended.faults) - 1
    return (ended.faults[0] + f" (+{more} more)" * (more > 0)) if ended.faults else ""


def _without_results(ended: Reported) -> str:
    last = _last_line(ended.stderr) or _last_line(ended.stdout)
    if ended.exit_code in (126, 127):
        return f"the suite's command was not found: {last}"
    old = f"; from before its start, and so ignored: {', '.join(ended.stale[:3])}"
    said = f"; its last words: {last}" if last else ""
    return (
        f"the command ended with exit code {ended.exit_code} and wrote no results to "
        f"{ended.pattern!r}{old * bool(ended.stale)}{said}"
    )
