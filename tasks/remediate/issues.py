"""Bring the issues of a project up to date: look, do what is due, look again after trouble."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import ValidationError

from data.errors import ForgeAway, ForgeRefused, GoldenPathError
from data.records.issues import Issues
from data.records.record import Record
from data.records.remedy import Known, Sighting, Step
from data.records.verdict import Incident
from data.rules.issues.marks import mark_of_note, signature_in
from data.rules.issues.steps import double, may_change, steps
from tasks.forge import Forge
from tasks.remediate.project import Project, project_of, with_claims

_ROUNDS = 3
_LOCK_POLL_S = 0.1


class Asked(Record):
    """What remediation is about; `runs` newest first, the first is the one that was judged."""

    wanted: Issues
    plan: str
    environment: str
    incidents: tuple[Incident, ...]
    runs: tuple[Sighting, ...]


class Done(Record):
    """One step, and how it went: `done`, `failed`, or `dry run`."""

    step: Step
    outcome: str
    message: str = ""


Tell = Callable[[Done], None]


async def remedy(asked: Asked, token: str, lock: Path, tell: Tell) -> None:
    """Do what is due; without `execute` say it.

    One process of this machine at a time does so for a warehouse. Two machines can open one issue
    twice: whoever looks next, each of the two included, keeps the older one. A call whose answer
    was lost is not repeated blindly: all is looked at anew. A refused step stops no other.

    Args:
        token: in no message. lock: a file beside the warehouse.
        tell: is told of each step as it is done.

    Raises:
        ForgeRefused: the token may not read, or the project is not there.
        ForgeAway: not reached in three rounds; the next run does it.
        GoldenPathError: answers in a form that is not the API's.
    """
    wanted = asked.wanted
    async with _alone(lock), Forge(wanted.kind, wanted.root, token) as forge:
        project = project_of(wanted, forge)
        for left in reversed(range(_ROUNDS)):
            try:
                await _round(asked, project, tell)
                break
            except ForgeAway:
                if not left:
                    raise
            except (KeyError, TypeError, ValidationError) as error:
                name = type(error).__name__
                raise GoldenPathError(f"{wanted.kind} answered in another form: {name}") from None


async def _round(asked: Asked, project: Project, tell: Tell) -> None:
    known, doubles = double(await _known(asked, project))
    due = [*doubles, *await _due(asked, project, known)]
    if not asked.wanted.execute:
        for step in due:
            tell(Done(step=step, outcome="dry run"))
        return
    for step in due:
        await _told(project, step, tell)
    if any(step.kind == "open" for step in due):  # somebody else may have done so too
        for step in double(await _known(asked, project))[1]:
            await _told(project, step, tell)


async def _told(project: Project, step: Step, tell: Tell) -> None:
    try:
        if await _do(project, step):
            tell(Done(step=step, outcome="done"))
    except ForgeRefused as error:
        tell(Done(step=step, outcome="failed", message=str(error)))


async def _known(asked: Asked, project: Project) -> list[Known]:
    found = []
    for one in await project.issues():
        signature = signature_in(one["body"], asked.plan, asked.environment)
        if signature is not None:
            found.append(Known(signature=signature, **one))
    return found


async def _due(asked: Asked, project: Project, known: Sequence[Known]) -> tuple[Step, ...]:
    here = {one.signature for one in asked.incidents}
    revision = asked.runs[0].revision
    wanted, plan, environment = asked.wanted, asked.plan, asked.environment
    full = [
        await with_claims(project, one, revision)
        if may_change(wanted, one, here, asked.runs)
        else one
        for one in known
    ]
    return steps(wanted, plan, environment, asked.incidents, asked.runs, full)


async def _do(project: Project, step: Step) -> bool:
    """Whether there was something to do: a note that is there is not written again.

    The note comes first: a close without its reason would be worse than a reason without the close.
    """
    if step.number is None:
        await project.open(step.title, step.body)
        return True
    wrote = bool(step.note) and await _note_once(project, step.number, step.note)
    is_open = {"reopen": True, "close": False}.get(step.kind)
    if step.body or is_open is not None:
        await project.edit(step.number, step.body, is_open)
        return True
    return wrote


async def _note_once(project: Project, number: int, text: str) -> bool:
    mark = mark_of_note(text)
    if mark in {mark_of_note(note) for note in await project.notes(number)}:
        return False
    await project.note(number, text)
    return True


@asynccontextmanager
async def _alone(lock: Path) -> AsyncIterator[None]:
    """Polls, since a thread that waits in `flock` cannot be cancelled."""
    with lock.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(_LOCK_POLL_S)
        yield
