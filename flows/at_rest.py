"""Judging with the memory at rest."""

from __future__ import annotations

import gc
from datetime import datetime

from data.records.evidence import Evidence, History
from data.records.plan import Plan
from data.records.verdict import Verdict
from data.rules.judge import judge


def judge_at_rest(plan: Plan, evidence: Evidence, history: History, at: datetime) -> Verdict:
    """`judge`, while the garbage collector waits.

    Evidence of 100,000 tests is half a million objects, and none of them is garbage; walking
    through them takes longer than judging them. What judging makes is in no ring and goes without
    a collector.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return judge(plan, evidence, history, at)
    finally:
        if was_on:
            gc.enable()
