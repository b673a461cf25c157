"""The outcome of a probe and its sentence, from rounds of executions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from data.records.facts import Failure
from data.records.words import Outcome

MOST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Round:
    """Executions under one concurrency, and those of them that failed."""

    n: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a probe comes to. `n` and `n_failed` are of the first round alone."""

    outcome: Outcome
    message: str
    n: int = 0
    n_failed: int = 0
    failures: tuple[Failure, ...] = ()


def retry_size(n_failed: int, concurrency: int) -> int:
    """How many executions try `n_failed` again: whole waves, so that a race can show again."""
    return -(-n_failed // concurrency) * concurrency


def conclude(kind: str, first: Round, retries: Sequence[Round], concurrency: int) -> Conclusion:
    """PASS; FLAKY when the last retry passed whole; else FAIL.

    Args:
        kind: `journey` or `http`, for the sentence.
        retries: batches of the failed ones tried again, in order; () when none was tried.
    """
    things = "journeys" if kind == "journey" else "requests"
    if not first.failures:
        return Conclusion(Outcome.PASS, f"all {first.n} {things} passed", first.n)
    parts = [_sentence(first, things), *(_again(one, concurrency) for one in retries)]
    failures = [*first.failures, *(failure for one in retries for failure in one.failures)]
    is_flaky = bool(retries) and not retries[-1].failures
    return Conclusion(
        outcome=Outcome.FLAKY if is_flaky else Outcome.FAIL,
        message="; ".join(parts),
        n=first.n,
        n_failed=len(first.failures),
        failures=tuple(failures[:MOST_FAILURES]),
    )


def _sentence(first: Round, things: str) -> str:
    counts = Counter(failure.signature for failure in first.failures).most_common(3)
    shown = ", ".join(f"{signature} ({count})" for signature, count in counts)
    example = next(one for one in first.failures if one.signature == counts[0][0])
    head = f"{len(first.failures)} of {first.n} {things} failed: {shown}"
    return f"{head}, such as at step {example.step}: {example.message}"


def _again(retry: Round, concurrency: int) -> str:
    head = f"tried again {retry.n} at concurrency {concurrency}"
    return f"{head}: {len(retry.failures)} failed" if retry.failures else f"{head}: all passed"
