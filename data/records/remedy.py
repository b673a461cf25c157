"""What is known of incidents and of the issues about them, and what is due."""

from __future__ import annotations

from typing import Literal

from data.records.record import AwareUtc, Record


class Sighting(Record):
    """What one judged run says of incidents.

    Attributes:
        deployment: its revision, or its run id where it had none: what counts as one deployment.
        symptoms: signature -> evidence ids of the incidents of this run.
        passed: evidence ids that were seen to pass.
    """

    run_id: str
    revision: str | None
    deployment: str
    at: AwareUtc
    symptoms: dict[str, frozenset[str]] = {}
    passed: frozenset[str] = frozenset()


class Claim(Record):
    """A pull request, or merge request, that says it fixes an issue.

    Attributes:
        merged_at: None while it is open.
        commit: of the merge, "" where it is not known.
        served: whether the run's revision has that commit; None: the forge cannot tell.
    """

    number: int
    url: str
    merged_at: AwareUtc | None = None
    commit: str = ""
    served: bool | None = None


class Known(Record):
    """One of our issues as the forge has it; `declined`: people closed it as not planned."""

    number: int
    url: str = ""
    is_open: bool
    declined: bool = False
    title: str
    body: str
    signature: str
    claims: tuple[Claim, ...] = ()


class Step(Record):
    """One thing to do at the forge. Doing it twice comes to the same as once.

    Attributes:
        note: text of a comment; its first line is a mark that is looked for before it is written.
    """

    kind: Literal["open", "update", "reopen", "close", "note"]
    signature: str
    number: int | None = None
    title: str = ""
    body: str = ""
    note: str = ""
