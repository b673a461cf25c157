"""In which order work starts, and how one suite is shared by several processes.

Longest first: Graham 1969, "Bounds on multiprocessing timing anomalies": no list is worse than
total/n + (1 - 1/n) of its longest piece, and longest first is within 4/3 - 1/(3n) of the best.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

_SMALL_SHARE = 0.5  # of an even shard: files up to this stay whole, for their fixtures' sake


class Job(NamedTuple):
    """One piece of work; `duration_s` None where nobody knows, `group` where one runs at a time."""

    name: str
    duration_s: float | None
    group: str | None = None


def starting_order(jobs: Sequence[Job]) -> tuple[str, ...]:
    """Names, longest first; what belongs to one group counts with all that waits behind it.

    An unknown duration counts as the median of the known ones; where none is known, and between
    equals, the given order stands.
    """
    usual_s = median([j.duration_s for j in jobs if j.duration_s is not None] or [0.0])
    length_s = {j.name: usual_s if j.duration_s is None else j.duration_s for j in jobs}
    behind_s = _with_what_waits(jobs, length_s)
    return tuple(sorted(length_s, key=lambda name: -behind_s[name]))  # sorted() is stable


def _with_what_waits(jobs: Sequence[Job], length_s: Mapping[str, float]) -> dict[str, float]:
    chains: dict[str | None, list[str]] = defaultdict(list)
    for job in jobs:
        chains[job.group].append(job.name)
    found = {name: length_s[name] for name in chains.pop(None, [])}
    for names in chains.values():
        rest_s = 0.0
        for name in sorted(names, key=lambda n: length_s[n]):
            rest_s += length_s[name]
            found[name] = rest_s
    return found


def shards(durations_s: Mapping[str, float | None], n: int) -> tuple[tuple[str, ...], ...]:
    """Test ids in at most `n` shares of about equal length, each test in exactly one.

    Tests of one class stay together, and so do files up to half a share: what they share in
    fixtures is set up once. Unknown durations count as the median of the known ones. Within a
    share the given order stands. Fewer shares than `n` where there are fewer pieces.

    Args:
        durations_s: test id (pytest's node id) -> seconds; None = unknown.
        n: wanted number of shares, at least 1.
    """
    usual_s = median([d for d in durations_s.values() if d is not None] or [1.0])
    known_s = {test: usual_s if d is None else d for test, d in durations_s.items()}
    pieces = _pieces(known_s, sum(known_s.values()) / n * _SMALL_SHARE)
    length_s = {name: sum(known_s[test] for test in tests) for name, tests in pieces.items()}
    place = _longest_first(length_s, n)
    of_test = {test: place[name] for name, tests in pieces.items() for test in tests}
    shares = [tuple(t for t in known_s if of_test[t] == i) for i in range(n)]
    return tuple(share for share in shares if share)


def _pieces(known_s: Mapping[str, float], small_s: float) -> dict[str, list[str]]:
    files, pieces = _grouped(known_s, _file), {}
    for file, tests in files.items():
        whole = sum(known_s[test] for test in tests) <= small_s
        pieces.update({file: tests} if whole else _grouped(tests, _class))
    return pieces


def _grouped(tests: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        found[key(test)].append(test)
    return found


def _file(test: str) -> str:
    return test.partition("::")[0]


def _class(test: str) -> str:
    """`a.py::Some` of `a.py::Some::test[x]`; a plain function is a piece of its own."""
    head = test.partition("[")[0]
    return head.rpartition("::")[0] if head.count("::") > 1 else test


def _longest_first(length_s: Mapping[str, float], n: int) -> dict[str, int]:
    load_s, place = [0.0] * n, {}
    for name in sorted(length_s, key=lambda name: -length_s[name]):
        place[name] = min(range(n), key=lambda i: (load_s[i], i))
        load_s[place[name]] += length_s[name]
    return place


def enough_shards(work_s: float, start_s: float, total_s: float, workers: int) -> int:
    """How many processes a suite needs so that its phase ends when its work does.

    As few as bring one shard below an even worker's part of the phase; never so many that a shard
    takes longer to start than to run.

    Args:
        work_s: all tests of the suite; start_s: what each process of it costs beside its tests.
        total_s: all suites of the phase, this one included.
        workers: suites at once.
    """
    even_s = max(total_s / workers - start_s, work_s / workers)
    needed = math.ceil(work_s / even_s) if even_s > 0 else 1
    affordable = math.floor(work_s / start_s) if start_s > 0 else workers
    return max(1, min(needed, affordable, workers))
