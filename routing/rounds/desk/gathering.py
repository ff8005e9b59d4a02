"""What has to be driven on a day, from the books: booked consignments that must be at the hub before their cut-off,
those that have arrived there and go on to their consignee, packed orders for places that are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session, aliased

from routing.network import yueyang
from routing.rounds.desk.fleet import BEIJING
from routing.rounds.problem import MOST_STOPS
from routing.rounds.reading import shipped
from routing.rounds.tables import RoundOrder
from routing.units import CM3_PER_M3, ceil_div
from wms.floor.tables import CartonType, OutboundOrder, Parcel
from wms.freight.tables import Consignment, Milestone, TransportBooking, TransportLeg
from wms.parties.tables import Company, Site

COLLECT, DELIVER = "collect", "deliver"
BY_KIND = {"collect": "collected", "deliver": "delivery"}  # the milestone that an order on a round is expected at


@dataclass(frozen=True)
class Due:
    """An order that may be driven on the day between two instants; ``entry`` is what the plan remembers of it."""

    entry: dict[str, Any]
    weight_g: int
    volume_cm3: int
    open_at: datetime
    close_at: datetime
    must_go: bool


@dataclass(frozen=True)
class Gathered:
    """Stops and transfers as plain data, and one entry an order; ``later``: of those beyond the most that one plan
    looks at.
    """

    stops: list[dict[str, Any]]
    transfers: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    later: list[dict[str, Any]]


def gather(session: Session, hub: str, day: date, home_by: str | None) -> Gathered:
    """What has to be driven for a hub on a day, the most urgent first, at most `MOST_STOPS`.

    ``home_by``: when the last truck comes home; goods whose cut-off lies before it are told to be there in time.
    """
    begin = datetime(day.year, day.month, day.day, tzinfo=BEIJING).astimezone(UTC)
    end = begin + timedelta(seconds=86_399)
    due_ones = sorted(
        (*_collections(session, hub, begin, end), *_deliveries(session, hub, begin, end), *_packed(session, hub, end)),
        key=lambda due: (due.close_at, due.entry["id"]),
    )
    found, later = due_ones[:MOST_STOPS], due_ones[MOST_STOPS:]
    last = datetime.fromisoformat(home_by) if home_by is not None else end
    stops, transfers = [], []
    for due in found:
        if due.entry["kind"] == COLLECT and due.close_at < last:
            transfers.append(_transfer(due, hub, begin))
        else:
            stops.append(_stop(due, hub, begin, end))
    return Gathered(stops, transfers, [due.entry for due in found], [due.entry | {"later": True} for due in later])


def service_s(volume_cm3: int, day: date) -> int:
    """Seconds at the door of a place, by the figures of the day (`routing/data/rounds.json`)."""
    valid = [one for one in shipped()["service"] if one["valid_from"] <= day.isoformat()]
    rule = max(valid, key=lambda one: str(one["valid_from"]))
    return int(rule["fixed_s"]) + int(rule["m3_s"]) * ceil_div(volume_cm3, CM3_PER_M3)


def _stop(due: Due, hub: str, begin: datetime, end: datetime) -> dict[str, Any]:
    entry = due.entry
    return {
        "id": entry["id"], "owner": entry["owner"], "place": entry["place"], "depot": hub,
        entry["kind"]: {"weight_g": due.weight_g, "volume_cm3": due.volume_cm3},
        "service_s": service_s(due.volume_cm3, begin.astimezone(BEIJING).date()), "must_go": due.must_go,
        "windows": [_window(max(due.open_at, begin), min(due.close_at, end))],
    }  # fmt: skip


def _transfer(due: Due, hub: str, begin: datetime) -> dict[str, Any]:
    """Goods that must be at the hub by an instant while trucks are still out: fetched and brought on one trip."""
    entry = due.entry
    window = _window(max(due.open_at, begin), due.close_at)
    service = service_s(due.volume_cm3, begin.astimezone(BEIJING).date())
    return {
        "id": entry["id"], "owner": entry["owner"], "must_go": due.must_go,
        "amount": {"weight_g": due.weight_g, "volume_cm3": due.volume_cm3},
        "pick": {"place": entry["place"], "window": window, "service_s": service},
        "drop": {"place": hub, "window": window},
    }  # fmt: skip


def _window(opens: datetime, closes: datetime) -> dict[str, str]:
    return {"open_at": opens.isoformat(timespec="seconds"), "close_at": closes.isoformat(timespec="seconds")}


def _newest(event: str, kinds: Sequence[str]) -> Any:
    """The last word of some kinds on an event of the consignment in the outer statement."""
    return (
        select(Milestone.event_at)
        .where(Milestone.consignment_id == Consignment.id, Milestone.event == event, Milestone.kind.in_(kinds))
        .order_by(Milestone.id.desc())
        .limit(1)
        .correlate(Consignment)
        .scalar_subquery()
    )


def _on_a_round(kind: str) -> Any:
    return select(RoundOrder.plan_id).where(
        RoundOrder.consignment_id == Consignment.id, RoundOrder.kind == kind, RoundOrder.booked_at.is_not(None),
        RoundOrder.ended_at.is_(None),
    ).exists()  # fmt: skip


def _consignments(session: Session, kind: str, place: Any, hub_is: Any, at: Any, states: Sequence[str]) -> Sequence[
    Row[Any]
]:  # fmt: skip
    """Booked consignments whose first or last leg touches the hub, with the instant of the milestone asked for."""
    happened = select(Milestone.id).where(
        Milestone.consignment_id == Consignment.id, Milestone.event == BY_KIND[kind], Milestone.kind == "ACT"
    )
    forwarder = aliased(Company)
    return session.execute(
        select(
            Consignment, TransportBooking.plan_id, Company.code, forwarder.code.label("forwarder"),
            place.label("place"), at.label("at"),
        )
        .join(TransportBooking, TransportBooking.consignment_id == Consignment.id)
        .join(TransportLeg, TransportLeg.booking_id == TransportBooking.id)
        .join(Company, Company.id == Consignment.owner_id)
        .outerjoin(forwarder, forwarder.id == Consignment.forwarder_id)
        .where(
            TransportBooking.ended_at.is_(None), hub_is, Consignment.state.in_(states), at.is_not(None),
            ~_on_a_round(kind), ~happened.exists(),
        )
        .order_by(Consignment.id)
    ).all()  # fmt: skip


def _collections(session: Session, hub: str, begin: datetime, end: datetime) -> Iterator[Due]:
    """Ready by the evening, to be at the hub before the cut-off of their first leg, not lying there already."""
    first = (TransportLeg.leg_no == 1) & (TransportLeg.origin == hub) & (Consignment.origin != hub)
    cut_off = _newest("cut_off", ("PLN", "EST"))
    for row in _consignments(session, COLLECT, Consignment.origin, first, cut_off, ("booked",)):
        one: Consignment = row[0]
        if one.ready_at <= end and row.at > max(begin, one.ready_at):
            yield Due(_entry(row, COLLECT), one.weight_g, one.volume_cm3, one.ready_at, row.at, one.must_go)


def _deliveries(session: Session, hub: str, begin: datetime, end: datetime) -> Iterator[Due]:
    """Unpacked at the hub by the evening, to be with their consignee by the due day; late ones all day long."""
    legs = aliased(TransportLeg)
    last = select(func.max(legs.leg_no)).where(legs.booking_id == TransportBooking.id).scalar_subquery()
    arrives = (TransportLeg.leg_no == last) & (TransportLeg.destination == hub) & (Consignment.destination != hub)
    unpacked = _newest("stripped", ("PLN", "EST", "ACT"))
    states = ("booked", "under_way")
    for row in _consignments(session, DELIVER, Consignment.destination, arrives, unpacked, states):
        one: Consignment = row[0]
        if row.at <= end:
            due = one.latest_at or one.due_at
            close = due if due > max(begin, row.at) else end
            yield Due(_entry(row, DELIVER), one.weight_g, one.volume_cm3, row.at, close, one.must_go)


def _entry(row: Row[Any], kind: str) -> dict[str, Any]:
    one: Consignment = row[0]
    return {
        "id": one.consignment_no[:64], "kind": kind, "consignment_id": one.id, "consignment_no": one.consignment_no,
        "version": one.version, "booked_by": row.plan_id, "owner_id": one.owner_id,
        "forwarder_id": one.forwarder_id, "owner": row.code, "goods": one.goods_name, "place": row.place,
        "cut_off_at": row.at.isoformat() if kind == COLLECT else None,
    }  # fmt: skip


def _packed(session: Session, hub: str, end: datetime) -> Iterator[Due]:
    """Packed orders of our warehouses at the hub whose place of delivery is one of the network."""
    codes = {name: one.code for one in yueyang().places for name in (one.code, one.name_zh, one.name_en)}
    volume = CartonType.length_mm * CartonType.width_mm * CartonType.height_mm
    live = select(RoundOrder.plan_id).where(
        RoundOrder.order_id == OutboundOrder.id, RoundOrder.booked_at.is_not(None), RoundOrder.ended_at.is_(None)
    )
    rows = session.execute(
        select(
            OutboundOrder, Company.code,
            func.sum(func.coalesce(Parcel.weight_g, Parcel.expected_weight_g, 0)).label("weight_g"),
            func.sum(volume).label("mm3"), func.min(Parcel.opened_at).label("packed_at"),
        )
        .join(Site, Site.id == OutboundOrder.site_id)
        .join(Company, Company.id == OutboundOrder.owner_id)
        .join(Parcel, Parcel.order_id == OutboundOrder.id)
        .join(CartonType, CartonType.id == Parcel.carton_type_id)
        .where(
            OutboundOrder.state == "packed", Site.unlocode == hub, Parcel.state != "void",
            OutboundOrder.consignee_region.in_(codes), ~live.exists(),
        )
        .group_by(OutboundOrder.id, Company.code)
        .order_by(OutboundOrder.id)
    ).all()  # fmt: skip
    for row in rows:
        one: OutboundOrder = row[0]
        place = codes[str(one.consignee_region)]
        if place != hub:
            open_at = row.packed_at
            late = one.ship_by_at is None or one.ship_by_at <= open_at
            yield Due(
                {
                    "id": one.order_no[:64], "kind": DELIVER, "order_id": one.id, "order_no": one.order_no,
                    "owner_id": one.owner_id, "forwarder_id": None, "owner": row.code,
                    "goods": one.consignee_name or "", "place": place, "cut_off_at": None,
                },
                int(row.weight_g), ceil_div(int(row.mm3), 1000), open_at, end if late else one.ship_by_at or end,
                must_go=False,
            )  # fmt: skip
