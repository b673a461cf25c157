"""Where the level of a row of numbers changed: E-divisive, made steady by windows and Student's t.

Candidates maximise the energy distance between what is before and after them (Matteson & James,
"A Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data", 2014). They are
looked for in overlapping windows with a weak limit, and then removed, weakest first, until each
that is left passes the strict limit against its neighbours (Fleming et al., "Hunter: Using Change
Point Detection to Hunt for Performance Regressions", ICPE 2023). There are no random numbers: the
same row gives the same answer, in any unit.

It dates changes; it does not raise alarms: on a hundred deployments of mere noise it speaks up to
three or four times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, pstdev

WINDOW = 50
MAX_P = 0.001
_FEWEST_FOR_WEAK = 0.05


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A change of level.

    Attributes:
        index: of the first number of the new level.
        before, after: means from the last change to here, and from here to the next one.
        p: two-sided, of Student's t between the two.
    """

    index: int
    before: float
    after: float
    p: float

    @property
    def magnitude(self) -> float:
        """The larger of both shares by which one level differs from the other; 0 near nothing."""
        if self.before == 0 or self.after == 0:
            return math.inf if self.before != self.after else 0.0
        return max(abs(self.after / self.before - 1), abs(self.before / self.after - 1))


def change_points(
    values: Sequence[float],
    window: int = WINDOW,
    max_p: float = MAX_P,
    min_magnitude: float = 0.0,
) -> tuple[ChangePoint, ...]:
    """The changes of a row, in order; () of one that is short or steady.

    Args:
        values: finite numbers of one unit, in order of time.
        window: numbers that are looked at together, at least 2.
        max_p: the most that p may be.
        min_magnitude: the least share by which the level must have changed.

    Raises:
        ValueError: a number that is not finite, or a window under 2.
    """
    if window < 2 or not all(math.isfinite(value) for value in values):
        raise ValueError("expected finite numbers and a window of at least 2")
    weak_p = max_p * 10 if max_p < _FEWEST_FOR_WEAK else max_p * 2 if max_p < 0.5 else max_p
    indexes = _weak(values, window, weak_p)
    points = [_point(values, *cut) for cut in _cuts(indexes, len(values))]
    return tuple(_strong(values, points, max_p, min_magnitude))


def _weak(values: Sequence[float], window: int, max_p: float) -> list[int]:
    found: set[int] = set()
    start = 0
    while start < len(values):
        inside = [start + at for at in _divided(values[start : start + window], max_p)]
        found.update(inside)
        start = max(inside[-1] if inside else 0, start + window // 2)
    return sorted(found)


def _divided(values: Sequence[float], max_p: float) -> list[int]:
    """Split where the best candidate of all pieces lies, as long as it is significant."""
    found: list[int] = []
    while True:
        edges = [0, *found, len(values)]
        pieces = [(a, b) for a, b in pairwise(edges) if b - a > 1]
        if not pieces:
            return found
        _, at, piece = max((*_candidate(values[a:b]), (a, b)) for a, b in pieces)
        index = piece[0] - at
        if not _p(values[piece[0] : index], values[index : piece[1]]) <= max_p:
            return found
        found = sorted([*found, index])


def _candidate(piece: Sequence[float]) -> tuple[float, int]:
    """(distance, minus the index) of the best split of a piece: of equals, the first.

    With X the first tau numbers and Y those up to kappa, n and m of them, the distance is
    2/(n+m) sum|Xi-Yj| - 2m/((n+m)(n-1)) sum|Xi-Xk| - 2n/((n+m)(m-1)) sum|Yj-Yk|. Each sum is a
    difference of sums over corners of the table of all gaps.
    """
    import numpy as np

    row = np.asarray(piece, dtype=float)
    corner = np.zeros((len(row) + 1, len(row) + 1))
    corner[1:, 1:] = np.abs(row[:, None] - row[None, :]).cumsum(axis=0).cumsum(axis=1)
    own = np.diag(corner)
    n, end = np.arange(1, len(row))[:, None], np.arange(2, len(row) + 1)[None, :]
    m = end - n
    between = corner[1:-1, 2:] - own[1:-1, None]
    within_x, within_y = own[1:-1, None] / 2, (own[None, 2:] - own[1:-1, None]) / 2 - between
    with np.errstate(divide="ignore", invalid="ignore"):
        own_x = np.where(n > 1, 2 * m / ((n + m) * (n - 1)) * within_x, 0.0)
        own_y = np.where(m > 1, 2 * n / ((n + m) * (m - 1)) * within_y, 0.0)
        distance = np.where(m > 0, 2 / (n + m) * between - own_x - own_y, -np.inf)
    best = int(np.argmax(distance.max(axis=1)))
    return float(distance[best].max()), -(best + 1)


def _strong(
    values: Sequence[float], points: list[ChangePoint], max_p: float, min_magnitude: float
) -> list[ChangePoint]:
    """Without the weakest, again and again, until all that are left are strong enough."""
    while points:
        weakest = max(points, key=lambda point: point.p)
        if weakest.p < max_p:
            weakest = min(points, key=lambda point: point.magnitude)
            if weakest.magnitude > min_magnitude:
                return points
        at = points.index(weakest)
        del points[at]
        # The two that follow are weighed anew. The one before keeps its p, as in Apache Otava 0.8,
        # whose published answers are what this is held against.
        cuts = _cuts([point.index for point in points], len(values))
        points[at : at + 2] = [_point(values, *cut) for cut in cuts[at : at + 2]]
    return points


def _cuts(indexes: Sequence[int], size: int) -> list[tuple[int, int, int]]:
    edges = [0, *indexes, size]
    return [(edges[i - 1], edges[i], edges[i + 1]) for i in range(1, len(edges) - 1)]


def _point(values: Sequence[float], start: int, index: int, end: int) -> ChangePoint:
    left, right = values[start:index], values[index:end]
    return ChangePoint(index, fmean(left), fmean(right), _p(left, right))


def _p(left: Sequence[float], right: Sequence[float]) -> float:
    """Two-sided p of Student's t with the spreads of the samples themselves, as Hunter has it."""
    from scipy.special import stdtr  # half a second to import: only when it is needed

    n, m = len(left), len(right)
    if n + m <= 2:
        return 1.0
    gap = fmean(left) - fmean(right)
    spread = ((n - 1) * pstdev(left) ** 2 + (m - 1) * pstdev(right) ** 2) / (n + m - 2)
    if spread == 0:
        return 0.0 if gap else 1.0
    return 2 * float(stdtr(n + m - 2, -abs(gap) / math.sqrt(spread * (1 / n + 1 / m))))
