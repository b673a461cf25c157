"""The journey's machine: told what happened, it says what to do next.

It does no I/O and reads no clock, in the manner of sans-I/O protocol cores
(https://sans-io.readthedocs.io): the same events give the same decisions, measurements and
cause of failure, wherever they come from.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from data.records.step_plan import (
    CloseStep,
    ExpectStep,
    HttpStep,
    OpenStep,
    PythonStep,
    SendStep,
    Step,
    StreamStep,
    TokenStep,
)
from data.rules.journey import steps as quick
from data.rules.journey import talk
from data.rules.journey.book import Book, Function, Measurement, Walk
from data.rules.journey.moves import Decision, Done, Event, Failed
from data.rules.journey.signatures import Cause, without_secrets

NO_FUNCTIONS: Mapping[str, Function] = {}


class Machine:
    """One execution of a journey.

    Args:
        steps: the plan's steps, in order.
        names: variables by name: the plan's and the built-in ones.
        started_s: when the execution was to start, in seconds of the clock that events use.
        total_metric: name for the time of the whole, if it passes.
        late_s: how much later it did start, None where no schedule said when.
        first: the ordinal of the first of the steps, where they are the rest of a journey.
        functions: those of `python` steps, by what the plan calls them.

    Raises:
        UsageError: a template names a variable that nothing defined.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        names: Mapping[str, str],
        started_s: float,
        total_metric: str | None = None,
        late_s: float | None = None,
        first: int = 1,
        functions: Mapping[str, Function] = NO_FUNCTIONS,
    ) -> None:
        self.ordinal = first  # of the step that the decision is for, counted from 1
        self.is_over = False  # whether the decision is Done or Failed
        self._functions = functions
        self._book = Book(names, started_s, late_s)
        self._walk = self._journey(steps, started_s, total_metric)
        self.decision: Decision = next(self._walk)

    @property
    def measurements(self) -> Sequence[Measurement]:
        """What was measured so far, in order."""
        return self._book.measurements

    @property
    def names(self) -> Mapping[str, str]:
        """The variables, with what was captured so far."""
        return self._book.names

    def feed(self, event: Event) -> Decision:
        """Take in what happened and decide. After Done or Failed nothing changes any more."""
        if not self.is_over:
            self._book.now_s = event.t_s
            self.decision = self._walk.send(event)
        return self.decision

    def _journey(
        self, steps: Sequence[Step], started_s: float, total_metric: str | None
    ) -> Generator[Decision, Event, None]:
        for ordinal, step in enumerate(steps, self.ordinal):
            self.ordinal = ordinal
            problem = yield from _walk(step, self._book, self._functions)
            if problem:
                message = without_secrets(problem.message, self._book.names)
                self.is_over = True
                yield Failed(Cause(label(ordinal, step), problem.signature, message))
                return
        self._book.measure_whole(total_metric, started_s, self._book.now_s)
        self.is_over = True
        yield Done()


def _walk(step: Step, book: Book, functions: Mapping[str, Function]) -> Walk:
    action = step.action
    match action:
        case HttpStep():
            return quick.http(action, book)
        case OpenStep():
            return talk.open_socket(action, book)
        case StreamStep():
            return quick.stream(action, book)
        case SendStep():
            return quick.send(action, book)
        case ExpectStep():
            return talk.expect(action, book)
        case CloseStep():
            return quick.close(action, book)
        case PythonStep():
            return quick.python(action, book, functions[action.function])
        case TokenStep():
            return quick.token(action, book)
        case _:
            return quick.think(action, book)


def label(ordinal: int, step: Step) -> str:
    """A step's name, the same in each run: `2 open {{services.x.ws}}/chat`."""
    if step.http:
        return f"{ordinal} http {step.http.request.method} {step.http.request.url}"
    if step.stream:
        return f"{ordinal} stream {step.stream.request.method} {step.stream.request.url}"
    if step.python:
        return f"{ordinal} python {step.python.function}"
    return f"{ordinal} open {step.open.url}" if step.open else f"{ordinal} {step.verb}"
