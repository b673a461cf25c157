"""A load in numbers: as a document, and as a table for a terminal."""

from __future__ import annotations

from typing import Any

from data.records.load_figures import LoadFigures, Spread, StageFigures
from data.rules.load.histogram import percentile
from data.rules.load.soak import soak_sentence
from data.rules.quantiles import samples_needed

SHARES = {"p50_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99, "p99_9_ms": 0.999}


def figures_of(spread: Spread) -> dict[str, float | int | None]:
    """n, percentiles where there are samples enough for them, and the largest, in ms."""
    told: dict[str, float | int | None] = {"n": spread.n}
    for name, share in SHARES.items():
        value = percentile(spread, share) if spread.n >= samples_needed(share) else None
        told[name] = None if value is None else round(value, 3)
    return {**told, "max_ms": None if spread.max_ms is None else round(spread.max_ms, 3)}


def load_document(load: LoadFigures) -> dict[str, Any]:
    """As `probe --json` says it: rates in executions a second, times in ms."""
    return {
        "model": load.model,
        "processes": load.processes,
        "duration_s": round(load.duration_s, 3),
        "invalid": load.invalid,
        "knee": load.knee,
        "first_failing": load.first_failing,
        "generator": {
            "late": figures_of(load.watch.late),
            "lag": figures_of(load.watch.lag),
            "cpu_share": round(load.watch.cpu_share, 3),
        },
        "stages": [_stage_document(stage) for stage in load.stages],
        "soak": load.soak.model_dump() if load.soak else None,
    }


def _stage_document(stage: StageFigures) -> dict[str, Any]:
    told = stage.model_dump(mode="json", exclude={"spreads"})
    return {
        **told,
        "per_s": round(per_second(stage), 2),
        "metrics": {name: figures_of(spread) for name, spread in stage.spreads.items()},
    }


def per_second(stage: StageFigures) -> float:
    """Executions that ended a second of the stage."""
    return stage.n / stage.duration_s if stage.duration_s > 0 else 0.0


def load_table(load: LoadFigures) -> str:
    """One line a stage, one line a metric under it; then the generator's own line."""
    lines = [line for stage in load.stages for line in _stage_lines(stage)]
    late = percentile(load.watch.late, 0.99)
    lag = percentile(load.watch.lag, 0.99)
    if load.soak:
        lines.append(f"  soak: {soak_sentence(load.soak).removeprefix('; ')}")
    own = [f"CPU {load.watch.cpu_share:.0%} of a core"]
    own += [f"starts late by p99 {late:.2f} ms"] if late is not None else []
    own += [f"timers late by p99 {lag:.2f} ms"] if lag is not None else []
    return "\n".join([*lines, f"  generator: {', '.join(own)}"])


def _stage_lines(stage: StageFigures) -> list[str]:
    head = f"  {stage.outcome:8}{stage.label}: {per_second(stage):.1f}/s, {stage.reason}"
    return [head, *(f"    {name:24}{_row(spread)}" for name, spread in stage.spreads.items())]


def _row(spread: Spread) -> str:
    told = figures_of(spread)
    shown = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
    return "  ".join(
        f"{name.removesuffix('_ms')} {'too few' if told[name] is None else f'{told[name]:.2f} ms'}"
        for name in shown
    )
