"""Weight at the gate, in integer grams: ``|measured − total| ≤ max(share · total, absolute)`` (customs, 5.3).

No national figure is known; ±3 % and ±5 % are common, so both limits are dated data by lane and goods class.
A weight of 0 or none means "not weighed", never a 100 % error.
"""

from dataclasses import dataclass

from wms.gate.rules.facts import Tolerance

BASIS_POINTS = 10_000


@dataclass(frozen=True)
class WeightFinding:
    """``outcome`` is within, high, low or not_weighed; differences in grams."""

    outcome: str
    difference_g: int | None
    allowed_g: int


def allowed_difference_g(total_g: int, tolerance: Tolerance) -> int:
    """Return the widest difference in whole grams that is still within the tolerance (rounded down)."""
    return max(total_g * tolerance.share_bp // BASIS_POINTS, tolerance.absolute_g)


def compare_weight(measured_g: int | None, total_g: int, tolerance: Tolerance) -> WeightFinding:
    """Compare the weighbridge with the pass. Exactly at the limit is within; the comparison is exact in integers."""
    allowed_g = allowed_difference_g(total_g, tolerance)
    if not measured_g or measured_g < 0:
        return WeightFinding("not_weighed", None, allowed_g)
    difference_g = measured_g - total_g
    if abs(difference_g) <= allowed_g:
        return WeightFinding("within", difference_g, allowed_g)
    return WeightFinding("high" if difference_g > 0 else "low", difference_g, allowed_g)
