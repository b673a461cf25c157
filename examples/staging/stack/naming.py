"""Which revision an answer names: the truth, or what a bad deployment would say."""

from __future__ import annotations

from collections import Counter

from stack.settings import Settings

SUCCESSOR = "redeployed-by-someone-else"


class Naming:
    """Decides, answer by answer, which revision this process says it is."""

    def __init__(self, settings: Settings) -> None:
        self._mode = settings.behaviour.names
        self._own = settings.revision
        self._previous = settings.previous or "previous"
        self._asked: Counter[str] = Counter()
        self._replaced = False

    def mark_replaced(self) -> None:
        """From now on a `replaced` revision names its successor."""
        self._replaced = True

    def name_for(self, path: str) -> str:
        """Return the revision to name in the answer to a request for `path`."""
        if self._mode == "previous":
            return self._previous
        if self._mode == "alternating":
            return self._alternate(path)
        if self._mode == "replaced" and self._replaced:
            return SUCCESSOR
        return self._own

    def _alternate(self, path: str) -> str:
        # Counted per path: a poller that asks two paths in turn would otherwise see
        # one revision only, since the parity of its requests never changes.
        self._asked[path] += 1
        return self._own if self._asked[path] % 2 else self._previous
