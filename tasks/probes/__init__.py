"""Probes: checks of our own, single requests and journeys."""

from tasks.probes.run import run_probe

__all__ = ["run_probe"]
