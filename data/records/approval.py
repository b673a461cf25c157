"""Who may decide after the verdict, and what they decided."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from data.records.facts import Fact
from data.records.record import AwareUtc, Record
from data.records.units import Seconds, seconds
from data.records.words import VerdictWord

Word = Literal["promote", "hold"]
Given = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Approval(Record):
    """Verdicts that wait for a person. Nobody can make more of a ROLL_BACK or an unproven P1."""

    verdicts: tuple[Literal[VerdictWord.PROMOTE_WITH_WATCH, VerdictWord.HOLD], ...] = Field(
        (VerdictWord.PROMOTE_WITH_WATCH,),
        min_length=1,
        description="`PROMOTE_WITH_WATCH`, `HOLD` or both",
    )
    wait: Seconds = Field(seconds("4h"), description="for a person; then the decision is HOLD")


class Decision(Fact):
    """What became of a verdict that waited for a person. While it waits, it is held.

    Attributes:
        verdict: what the evidence said, and was asked about.
        input_hash: of that verdict: a decision is about this evidence and no other.
        by: name of the person; "" where nobody has decided.
        how: `waiting`, `prefect` (the form in its UI, or its API), `cli`, or `time-out`.
    """

    KIND: ClassVar[str] = "decision"
    KEY: ClassVar[tuple[str, ...]] = ("run_id",)

    verdict: VerdictWord
    input_hash: str = ""
    decision: Word
    by: str = ""
    reason: str = ""
    how: Literal["waiting", "prefect", "cli", "time-out"]
    at: AwareUtc


class Said(Record):
    """What a person says, as it travels from the command line to the run that waits."""

    input_hash: str
    decision: Word
    by: Given
    reason: Given
