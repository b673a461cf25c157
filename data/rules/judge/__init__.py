"""The judge: plan + evidence + history + now → verdict. Pure, deterministic, monotone."""

from data.rules.judge.judging import judge

__all__ = ["judge"]
