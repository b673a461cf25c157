"""Microseconds of one journey without its I/O: the machine, JSON, rules and the ledger's numbers.

The machine is fed as a driver would: opened, sent, five events, closed. Prints the best of rounds,
for slower ones are the machine's neighbours.
"""

from __future__ import annotations

import json
import sys
from time import process_time

from data.records.probe_plan import JourneyProbe
from data.rules.journey.machine import Machine
from data.rules.journey.moves import Closed, Message, Opened, Sent
from data.rules.load.histogram import Histogram
from tasks.probes.journey import Walker
from tasks.probes.wire import WireClient
from tests.probes.doubles import FIVE, read
from tests.probes.test_load import talking

ROUNDS, EACH = 15, 400


def journey(
    probe: JourneyProbe, walker: Walker, ordinal: int, histograms: dict[str, Histogram]
) -> None:
    """One journey that passes."""
    names = {"run_id": "r1", **walker.fresh_names(ordinal)}
    machine = Machine(probe.steps, names, 0.0, probe.total_metric, 0.0)
    machine.feed(Opened(None, 0.0, 0.001))
    machine.feed(Sent(0.0015))
    for at, name in enumerate(FIVE):
        event = {"type": name, "user": "u-1", "run": "r-9", "result": f"For {names['nonce']}"}
        machine.feed(Message(json.dumps(event), 0.002 + at * 0.001))
    machine.feed(Closed(1000, "", "answer", 0.01))
    assert type(machine.decision).__name__ == "Done", machine.decision
    for metric, value_ms in machine.measurements:
        histograms[metric].add(value_ms)


def main() -> None:
    """Measure; the making of the server's events is taken off."""
    probe = _probe()
    histograms = {metric: Histogram() for metric in METRICS}
    best = min(_round(probe, histograms) for _ in range(ROUNDS))
    print(best - min(_events() for _ in range(ROUNDS)))
    sys.stdout.flush()


METRICS = ("connect", "connect.actual", "message", "whole", "whole.actual")


def _probe() -> JourneyProbe:
    plan = talking(1, [])
    del plan["load"]
    found = read({"id": "p", **plan})
    assert isinstance(found, JourneyProbe)
    return found


def _round(probe: JourneyProbe, histograms: dict[str, Histogram]) -> float:
    walker = Walker(probe, {"run_id": "r1"}, WireClient())
    began_s = process_time()
    for ordinal in range(EACH):
        journey(probe, walker, ordinal, histograms)
    return (process_time() - began_s) / EACH * 1e6


def _events() -> float:
    began_s = process_time()
    for ordinal in range(EACH):
        for name in FIVE:
            json.dumps({"type": name, "user": "u-1", "run": "r-9", "result": f"For {ordinal}"})
    return (process_time() - began_s) / EACH * 1e6


if __name__ == "__main__":
    main()
