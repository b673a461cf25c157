"""The judge: plan + evidence + history + now → verdict. Pure, deterministic, monotone."""

from data.rules.judge.declared import make_ready
from data.rules.judge.judging import judge

__all__ = ["judge", "make_ready"]
