"""Run a step and tell its outcomes from the gate's own failures."""

from __future__ import annotations

from typing import Any, cast

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.states import aget_state_exception

# States that Prefect itself names: an exception of ours, a crash, a time-out of a task.
_GATE_FAILURES = frozenset({"Failed", "Crashed", "TimedOut", "Cancelled"})


async def settled(step: Task[..., Any], *args: Any) -> State[Any]:
    """The step's final state, green or red by outcome.

    Raises:
        BaseException: whatever the step raised. A sick product never raises, so this is ours.
    """
    state = cast("State[Any]", await cast("Any", step(*args, return_state=True)))
    if state.name in _GATE_FAILURES:
        raise await aget_state_exception(state)
    return state
