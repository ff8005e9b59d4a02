"""Parameters by which the readings of a lane become passages, and what the lane requires of a vehicle."""

from dataclasses import dataclass
from datetime import datetime

from wms.errors import N_, Kind, WmsError


class BadLaneRules(WmsError):
    code = "bad_lane_rules"
    kind = Kind.INVALID
    text = N_("%(name)s must be between %(low)s and %(high)s.")


class LaneRulesNeedSource(WmsError):
    code = "lane_rules_need_source"
    kind = Kind.INVALID
    text = N_("Parameters of a lane need the source that they are taken from.")


class LaneRulesExist(WmsError):
    code = "lane_rules_exist"
    kind = Kind.CONFLICT
    text = N_("Lane %(lane)s has parameters from %(at)s on already. Enter the new ones from another instant.")


@dataclass(frozen=True)
class LaneParameters:
    """Spans in milliseconds, weights in grams, signal in hundredths of a decibel, confidences in thousandths.

    Defaults are our own choice (devices reference, section 9, marked [A]), until a site measures its own.
    """

    needs_container: bool = False
    needs_weight: bool = True
    needs_tag: bool = False
    needs_seal: bool = False
    needs_customs_answer: bool = False
    decide_within_ms: int = 8_000
    customs_within_ms: int = 5_000
    gap_ms: int = 20_000
    settle_ms: int = 3_000
    stable_ms: int = 1_000
    scale_division_g: int = 20_000
    tag_antennas: tuple[int, ...] = ()
    tag_margin_cdb: int = 600
    min_confidence_permille: int = 700
    sure_permille: int = 900
    source: str = ""
    valid_from_at: datetime | None = None


LIMITS = {
    "decide_within_ms": (500, 60_000),
    "customs_within_ms": (500, 60_000),
    "gap_ms": (1_000, 600_000),
    "settle_ms": (100, 60_000),
    "stable_ms": (100, 30_000),
    "scale_division_g": (1, 1_000_000),
    "tag_margin_cdb": (0, 10_000),
    "min_confidence_permille": (1, 1_000),
    "sure_permille": (1, 1_000),
}


def check_parameters(new: LaneParameters) -> None:
    """Raise BadLaneRules for the first value out of its limits, LaneRulesNeedSource where nobody answers for them."""
    for field, (low, high) in LIMITS.items():
        if not low <= getattr(new, field) <= high:
            raise BadLaneRules(field=field, name=field, low=low, high=high)
    if not new.source.strip():
        raise LaneRulesNeedSource(field="source")
