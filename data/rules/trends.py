"""Put each series of a trend beside what is usual, and compare two deployments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from data.records.record import Record
from data.records.trends import Listing, Series, Step, Trends
from data.rules.bands import band, rolling_share

_N_ROLLING = 20
_N_LABELLED = 50
_RED = "FE"

Finder = Callable[[Sequence[float]], Sequence[Step]]


class Contrast(Record):
    """One number in two deployments."""

    name: str
    unit: str
    before: float | None
    after: float | None
    shift: float | None = None
    verdict: str = ""


class Turned(Record):
    """A test whose outcome is not the same in both deployments."""

    suite: str
    test_id: str
    before: str
    after: str


class Comparison(Record):
    """Two deployments side by side."""

    a: int
    b: int
    numbers: tuple[Contrast, ...]
    tests: tuple[Turned, ...]


def no_steps(_: Sequence[float]) -> tuple[Step, ...]:
    """The finder that finds nothing."""
    return ()


def settled(trends: Trends, find: Finder = no_steps) -> Trends:
    """The trends with their baseline bands and steps, and with what the gate itself did.

    Adds the share of the last 20 deployments that were approved, and of the last 50 labelled ones
    the share in which the gate was wrong.

    Args:
        find: gets the known values of a series, oldest first, and tells its steps.
    """
    series = (*trends.series, *_of_the_gate(trends))
    approved = [point.approved for point in trends.points]
    return trends.model_copy(update={"series": tuple(_beside(s, approved, find) for s in series)})


def _of_the_gate(trends: Trends) -> list[Series]:
    judged = [p.verdict.startswith("PROMOTE") if p.verdict else None for p in trends.points]
    wrong = [
        (p.verdict.startswith("PROMOTE") == (p.label == "bad")) if p.verdict and p.label else None
        for p in trends.points
    ]
    made: list[Series] = [
        Series(
            metric="verdicts",
            name=f"approved of last {_N_ROLLING}",
            unit="share",
            worse="down",
            values=rolling_share(judged, _N_ROLLING),
        ),
        Series(
            metric="accuracy",
            name=f"wrong of last {_N_LABELLED} labelled",
            unit="share",
            worse="up",
            values=rolling_share(wrong, _N_LABELLED),
        ),
    ]
    return [s for s in made if any(value is not None for value in s.values)]


_ROLLING = ("verdicts", "accuracy")  # neighbours share most of what they are made of: no level


def _beside(series: Series, approved: Sequence[bool], find: Finder) -> Series:
    low, middle, high = zip(*band(series.values, approved), strict=True)
    steps = () if series.metric in _ROLLING else _steps(series.values, find)
    return series.model_copy(update={"low": low, "middle": middle, "high": high, "steps": steps})


def _steps(values: Sequence[float | None], find: Finder) -> tuple[Step, ...]:
    """Steps among the known values, told by their place among all deployments."""
    places = [i for i, value in enumerate(values) if value is not None]
    known = [value for value in values if value is not None]
    if len(set(known)) < 2:
        return ()
    return tuple(step.model_copy(update={"index": places[step.index]}) for step in find(known))


def of_suite(trends: Trends, suite: str) -> Trends:
    """Only what is of the suite; what is about whole deployments stays, but no other suite."""
    series = [s for s in trends.series if s.suite == suite or s.metric not in ("pass_rate", "cost")]
    mine = tuple(s.model_copy(update={"suite": ""}) if s.suite == suite else s for s in series)
    tests = tuple(t for t in trends.tests if t.suite == suite)
    listings = tuple(_rows_of(listing, suite) for listing in trends.listings)
    return trends.model_copy(update={"series": mine, "tests": tests, "listings": listings})


def _rows_of(listing: Listing, suite: str) -> Listing:
    if "suite" not in listing.columns:
        return listing
    at = listing.columns.index("suite")
    return listing.model_copy(update={"rows": tuple(r for r in listing.rows if r[at] == suite)})


def place_of(trends: Trends, name: str) -> int | None:
    """The newest deployment of that id, revision or run; None where there is none."""
    for at in reversed(range(len(trends.points))):
        point = trends.points[at]
        if name in (point.deployment_id, point.revision, point.run_id):
            return at
    return None


def compared(trends: Trends, a: int, b: int) -> Comparison:
    """Each number and each test of two deployments; numbers beyond their band say so.

    Args:
        a, b: places among the points, before and after.

    Returns:
        Numbers that one of the two has, and tests whose outcome differs; those that turned red
        come first.
    """
    numbers = tuple(
        _contrast(series, a, b)
        for series in trends.series
        if series.values[a] is not None or series.values[b] is not None
    )
    tests = [
        Turned(suite=t.suite, test_id=t.test_id, before=t.outcomes[a], after=t.outcomes[b])
        for t in trends.tests
        if t.outcomes[a] != t.outcomes[b]
    ]
    tests.sort(key=lambda t: (t.after not in _RED, t.before not in _RED, t.suite, t.test_id))
    return Comparison(a=a, b=b, numbers=numbers, tests=tuple(tests))


def _contrast(series: Series, a: int, b: int) -> Contrast:
    before, after = series.values[a], series.values[b]
    shift = None
    if before is not None and after is not None:
        by_unit = series.unit in ("share", "tests")
        shift = after - before if by_unit else (after / before - 1 if before else None)
    said = outside(series, b)
    return Contrast(
        name=series.name, unit=series.unit, before=before, after=after, shift=shift, verdict=said
    )


def outside(series: Series, at: int) -> str:
    """ "worse" or "better" than what was usual then; "" inside the band, or where none is known."""
    value, low, high = series.values[at], series.low[at], series.high[at]
    if value is None or low is None or high is None or low <= value <= high:
        return ""
    return "worse" if (value > high) == (series.worse == "up") else "better"
