"""What failed processes printed: the ends of the output of red suites and of a red deploy."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.facts import SuiteResult
from data.records.record import Record
from data.report.sheet import Sheet
from data.rules.outcomes import RED


class Output(Record):
    """The end of one process's output, and where the whole of it is."""

    title: str
    text: str
    path: str = ""


def outputs(sheet: Sheet) -> tuple[Output, ...]:
    """Output of the deploy and of each attempt of a suite that did not end well."""
    return tuple(one for one in (*_deploy(sheet), *_suites(sheet)) if one.text.strip())


def _deploy(sheet: Sheet) -> Iterator[Output]:
    deploy = sheet.evidence.deploy
    if deploy is not None and deploy.outcome in RED:
        yield Output(title=f"deploy {deploy.revision or ''}".strip(), text=deploy.log_tail)


def _suites(sheet: Sheet) -> Iterator[Output]:
    for suite in sheet.evidence.suites:
        if suite.exit_code != 0 or suite.broken:
            path = suite.stdout_path
            yield Output(title=_title(suite), text=suite.output_tail, path=path)


def _title(suite: SuiteResult) -> str:
    known = "nobody saw it end" if suite.exit_code is None else f"exit code {suite.exit_code}"
    ended = "timed out" if suite.timed_out else known
    again = f", attempt {suite.attempt}" if suite.attempt > 1 else ""
    shard = f", shard {suite.shard} of {suite.n_shards}" if suite.n_shards > 1 else ""
    return f"{suite.suite}{shard}{again}: {ended}"
