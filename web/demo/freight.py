"""Open consignments for the planner: goods of the exporters and the platform, some in the hands of a logistics firm.

Sizes, places and hurry come from the generator that the planner's own benchmarks use. A few can never go, each for
another reason, so that the plan has something to explain.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from routing.demand import Consignment as Drawn
from routing.generate import consignment
from web.demo.goods import Item
from wms.freight.rules import ConsignmentForm, Piece
from wms.freight.service import announce_many
from wms.freight.tables import Consignment

COUNT, WEEKS, HOUR_S, HOUR = 360, 4, 3600, timedelta(hours=1)
PREFIX = "DEMO"
OWNERS = {"0110": ("LLCERA", "JSTEA"), "9710": ("JSTEA", "LLCERA"), "9810": ("LLCERA",), "1210": ("YMBEAUTY",)}
BATTERIES = "美容仪（内含锂电池，UN 3481）"  # class 9, the dangerous goods that this network takes
FORWARDERS = ("DTLOG", "JSLOG", None)


def draw_forms(
    seed: int, first: int, count: int, companies: Mapping[str, int], items: Sequence[Item], now: datetime
) -> list[ConsignmentForm]:
    """Consignments ``first`` … with ready and due days from ``now`` on; the same seed gives the same goods."""
    rng = random.Random(f"dongting-freight-{seed}-{first}")  # noqa: S311 - synthetic data, no secret
    start_at = int(now.timestamp()) // HOUR_S * HOUR_S
    drawn = [consignment(rng, number, start_at, WEEKS) for number in range(first, first + count)]
    return [_form(rng, one, companies, items) for one in drawn]


def _form(rng: random.Random, one: Drawn, companies: Mapping[str, int], items: Sequence[Item]) -> ConsignmentForm:
    owner = "XLMEAT" if one.temperature == "frozen" else rng.choice(OWNERS[one.customs_mode])
    forwarder = rng.choice(FORWARDERS)
    goods = rng.choice([item for item in items if item.owner == owner]).name_zh
    if one.dangerous != "none":
        owner, goods = "YMBEAUTY", BATTERIES
    return ConsignmentForm(
        consignment_no=f"{PREFIX}-{one.id}",
        owner_id=companies[owner],
        forwarder_id=companies[forwarder] if forwarder else None,
        goods_name=goods,
        origin=one.origin,
        destination=one.destination,
        trade_mode=one.customs_mode,
        temperature_class=one.temperature,
        dangerous_class=one.dangerous,
        volume_cm3=one.volume_cm3,
        weight_g=one.weight_g,
        value_minor=one.value_minor,
        ready_at=datetime.fromtimestamp(one.ready_at, UTC),
        due_at=datetime.fromtimestamp(one.due_at, UTC),
        pieces=tuple(Piece(**piece.model_dump()) for piece in one.pieces),
    )


def odd_ones(forms: Sequence[ConsignmentForm]) -> list[ConsignmentForm]:
    """The first forms changed so that no service can take them: no size, no time, class 9 where no train takes it."""
    unsized, hasty, burning = forms[:3]
    return [
        replace(unsized, volume_cm3=0, weight_g=0, pieces=()),
        replace(hasty, destination="DEBER", due_at=hasty.ready_at + 30 * HOUR, latest_at=hasty.ready_at + 36 * HOUR),
        replace(
            burning, destination="RUMOW", goods_name=BATTERIES, temperature_class="ambient", dangerous_class="class9"
        ),
        *forms[3:],
    ]


def enter_freight(
    session: Session, companies: Mapping[str, int], items: Sequence[Item], now: datetime, seed: int
) -> int:
    """Announce what is missing to ``COUNT`` open consignments, and move days that are over into the future."""
    session.execute(FRESHEN, {"now": now})
    known = list(session.scalars(select(Consignment.state).where(Consignment.consignment_no.startswith(f"{PREFIX}-"))))
    missing = COUNT - known.count("open")
    if missing > 0:
        forms = draw_forms(seed, len(known) + 1, missing, companies, items, now)
        announce_many(session, forms if known else odd_ones(forms))
    return max(0, missing)


# Whole weeks, so that a consignment keeps its weekday; its version grows, as at any change that a plan must know of.
FRESHEN = text("""
    UPDATE consignment c
       SET ready_at = c.ready_at + w.weeks, due_at = c.due_at + w.weeks, latest_at = c.latest_at + w.weeks,
           version = c.version + 1
      FROM (SELECT id, interval '7 days' * ceil(extract(epoch FROM cast(:now AS timestamptz) - ready_at) / 604800)
                       AS weeks FROM consignment) w
     WHERE w.id = c.id AND c.state = 'open' AND c.consignment_no LIKE 'DEMO-%'
       AND c.ready_at < cast(:now AS timestamptz) - interval '2 days'
""")
