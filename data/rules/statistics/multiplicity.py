"""Many questions at once: what each p-value is worth."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values, in the given order: below alpha means found with alpha for all together.

    Whatever hangs on what, the chance of one false finding or more stays below alpha. Source: Holm,
    Scandinavian Journal of Statistics 6 (1979).
    """
    adjusted, worst = [1.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for done, place in enumerate(order):
        worst = max(worst, min(1.0, (len(order) - done) * p_values[place]))
        adjusted[place] = worst
    return tuple(adjusted)
