"""Whether our figures are true: against a server's own clock, and against a schedule by hand.

- A server that takes 20 ms, at half of the rate that one process of ours makes at most, which is
  measured first.
- A server that freezes for 2 s in a run of 20 s: what the schedule says, what our open model says,
  and what a naive closed loop says.
- HTTP, 50 at a time: our client, and one shared httpx client, beside the server's clock.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from typing import Any

import httpx

from data.records.load_figures import LoadFigures
from data.rules.load.histogram import percentile
from data.rules.quantiles import percentile as nearest
from tests.bench_probes import server
from tests.probes.doubles import order, run
from tests.probes.test_load import asking, talking

DELAY_S, AT_ONCE = 0.02, 50
FIRST_RATE = 800
RATE, SECONDS, FREEZE_AT_S, FREEZE_S = 50, 20, 8, 2


def main() -> None:
    """Measure and print."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    found = {"fixed_20_ms": fixed(), "freeze": freeze(), "http": http()}
    print(json.dumps(found))


def _load(probe: dict[str, Any]) -> LoadFigures:
    _, result = asyncio.run(run(order(probe)))
    assert result.load, result.message
    if result.load.invalid:
        print(f"  (marked INVALID: {result.load.invalid})")
    return result.load


def _clock(port: int) -> list[float]:
    waits: list[float] = httpx.get(f"http://127.0.0.1:{port}/clock", trust_env=False).json()
    return waits


def _both(load: LoadFigures, metric: str) -> tuple[float, float]:
    spread = load.stages[0].spreads[metric]
    p50, p99 = percentile(spread, 0.5), percentile(spread, 0.99)
    assert p50 is not None and p99 is not None
    return p50, p99


def _row(label: str, p50: float, p99: float) -> dict[str, float]:
    print(f"{label:44}{p50:10.2f}{p99:10.2f}")
    return {"p50_ms": round(p50, 2), "p99_ms": round(p99, 2)}


def fixed() -> dict[str, Any]:
    """Our p50 and p99 of the answer, and the server's own."""
    rate = _most() // 2
    print(f"{f'20 ms at {rate} journeys/s':44}{'p50 ms':>10}{'p99 ms':>10}")
    with server("--delay", str(DELAY_S)) as port:
        load = _load(talking(port, [{"rate": f"{rate}/s", "for": "5s"}]))
        clock = _clock(port)
    theirs = _row("the server's clock", nearest(clock, 0.5), nearest(clock, 0.99))
    ours = _row("ours (goal: within 1 ms)", *_both(load, "message"))
    return {"server": theirs, "ours": ours}


def _most() -> int:
    """Journeys a second at which a process of ours would take a whole core, arriving one by one."""
    with server("--delay", str(DELAY_S)) as port:
        load = _load(talking(port, [{"rate": f"{FIRST_RATE}/s", "for": "3s"}]))
    return round(FIRST_RATE / load.watch.cpu_share)


def freeze() -> dict[str, Any]:
    """The p99 by hand: starts during the freeze wait for its end, all others for nothing."""
    print(f"\n{f'{FREEZE_S} s frozen in {SECONDS} s at {RATE}/s':44}{'p50 ms':>10}{'p99 ms':>10}")
    starts_s = [at / RATE for at in range(RATE * SECONDS)]
    ends_s = FREEZE_AT_S + FREEZE_S
    waits = [(ends_s - at) * 1000 if FREEZE_AT_S <= at < ends_s else 0.0 for at in starts_s]
    by_hand = _row(
        "by hand from the schedule", 0.0, sorted(waits)[math.ceil(0.99 * len(waits)) - 1]
    )
    found = {"by_hand": by_hand}
    stages = {
        "ours, open model": {"rate": f"{RATE}/s", "for": f"{SECONDS}s"},
        "naive closed loop, 1 user": {"users": 1, "for": f"{SECONDS}s"},
    }
    for label, stage in stages.items():
        with server("--freeze", str(FREEZE_AT_S), str(FREEZE_S)) as port:
            found[label] = _row(label, *_both(_load(asking(port, [stage])), "api"))
    return found


def http() -> dict[str, Any]:
    """20 ms over HTTP, 50 at a time."""
    print(f"\n{'HTTP, 20 ms, 50 at a time':44}{'p50 ms':>10}{'p99 ms':>10}")
    with server("--delay", str(DELAY_S)) as port:
        load = _load(asking(port, [{"users": AT_ONCE, "for": "4s"}]))
        clock = _clock(port)
    with server("--delay", str(DELAY_S)) as port:
        shared = asyncio.run(_shared(port))
    return {
        "server": _row("the server's clock", nearest(clock, 0.5), nearest(clock, 0.99)),
        "ours": _row("ours (goal: p50 within 1 ms, p99 within 5)", *_both(load, "api")),
        "httpx": _row("one shared httpx client", nearest(shared, 0.5), nearest(shared, 0.99)),
    }


async def _shared(port: int) -> list[float]:
    took: list[float] = []
    until_s = time.perf_counter() + 4
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=None) as client:

        async def user() -> None:
            while (began_s := time.perf_counter()) < until_s:
                await client.get(f"http://127.0.0.1:{port}/")
                took.append((time.perf_counter() - began_s) * 1000)

        await asyncio.gather(*(user() for _ in range(AT_ONCE)))
    return took


if __name__ == "__main__":
    main()
