"""What the agent finds and says: figures that follow from the reference in the question.

A useful answer names the reference the user gave, and figures that only that reference
leads to, and never repeats the question.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal

_ACCOUNTS = ("prod-eu", "prod-us", "data-lake", "ml-training", "analytics", "edge-cache")
_NAMED = re.compile(r"\b(?:reference(?: code)?|code|ticket|invoice)[:#\s]+([\w-]*\d[\w-]*)", re.I)
_MIXED = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{4,}\b")
_SHOUTED = re.compile(r"\b[A-Z][A-Z-]{5,}\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """What the tool found for one reference."""

    reference: str
    account: str
    monthly_usd: int
    share_percent: int
    idle_volumes: int

    @property
    def saving_usd(self) -> int:
        return self.idle_volumes * self.monthly_usd // 1000

    def as_tool_result(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "monthly_cost_usd": self.monthly_usd,
            "share_percent": self.share_percent,
            "idle_volumes": self.idle_volumes,
        }


def reference_in(text: str) -> str:
    """Return the code that a question mentions; "" when it mentions none.

    A code after the word reference, code, ticket or invoice wins; else the first word
    of letters and digits; else the first long word in capitals.
    """
    for pattern in (_NAMED, _MIXED, _SHOUTED):
        if found := pattern.search(text):
            return found[found.lastindex or 0].strip("-_")
    return ""


def find(text: str) -> Finding:
    """Look up what the question's reference leads to."""
    reference = reference_in(text)
    digest = hashlib.sha256((reference or text).encode()).digest()
    return Finding(
        reference=reference,
        account=f"{_ACCOUNTS[digest[0] % len(_ACCOUNTS)]}-{digest[1] % 9 + 1}",
        monthly_usd=4000 + int.from_bytes(digest[2:4]) % 26000,
        share_percent=21 + digest[4] % 40,
        idle_volumes=3 + digest[5] % 40,
    )


def sentence(found: Finding) -> str:
    """Return the useful answer."""
    opening = f"For reference {found.reference}, " if found.reference else "As of today, "
    return (
        f"{opening}{found.account} costs most: {found.monthly_usd} USD a month, "
        f"{found.share_percent} % of the bill. Moving its {found.idle_volumes} idle volumes "
        f"to cold storage would save about {found.saving_usd} USD a month."
    )


def answer(kind: Literal["useful", "canned", "empty"], text: str) -> str:
    """Return the result of a run: useful, or one of the answers that are none."""
    if kind == "canned":
        return f"Agent response for: {text}"
    return "" if kind == "empty" else sentence(find(text))
