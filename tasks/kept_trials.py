"""Trials of an audit, each kept as it ends: an audit that was killed goes on with the others."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from data.records.record import Record
from data.rules.sensitivity import Trial
from tasks.publish.files import write_whole

R = TypeVar("R", bound=Record)


class Scope(Record):
    """What an audit was asked to try; empty: all."""

    suites: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()


class KeptTrials:
    """The folder of one audit's trials.

    A trial is written whole when it ended, under the place, the round and the control that it
    belongs to. One that cannot be read is as good as none: it is tried again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, *name: str) -> Trial | None:
        """The trial of that name; None where there is none that can be read."""
        return _read(self._path(*name), Trial)

    def put(self, trial: Trial, *name: str) -> None:
        """Keep a trial that ended.

        Raises:
            OSError: the folder cannot be written.
        """
        self._write(trial, self._path(*name))

    def scope(self, asked: Scope) -> Scope:
        """What to try: what is asked now, or else what was asked when the audit began."""
        path = self._path("scope")
        if asked == Scope():
            return _read(path, Scope) or asked
        self._write(asked, path)
        return asked

    def _path(self, *name: str) -> Path:
        return self._folder.joinpath(*name[:-1], f"{name[-1]}.json")

    def _write(self, record: Record, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, record.model_dump_json())


def _read(path: Path, kind: type[R]) -> R | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
