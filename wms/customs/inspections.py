"""Inspection centres 1210 and 9610: exactly the ordered parcels are held, examined, and let go or detained.

The hold is ``parcel_declaration.is_on_hold``, which every door of the house asks (``wms.customs.parcels.guard``):
packing, loading, the gate pass and the gate's decision. Ordering locks the declarations, and so does each door: a
parcel is on hold before the order is told, or it was through the door before.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.customs import inspection_rules as rules
from wms.customs.inspection_reads import (
    has_picture,
    refuse_standing,
    under_inspection,
    was_inspected_for_customs,
)
from wms.customs.modes import beijing_day
from wms.customs.tables.inspections import (
    InspectionDraw,
    InspectionLane,
    InspectionOrder,
    InspectionPicture,
    InspectionStep,
    ParcelInspection,
)
from wms.customs.tables.parcels import ParcelDeclaration
from wms.errors import NotFound
from wms.parties import dated
from wms.parties.tables import Site
from wms.record.service import append_leaf

PREFIX = "CY"
RANDOM = "inspection.random"
ORDERED_BY_CUSTOMS = "500"
AT_SITES = ("bonded", "inspection")
DRAWN_AT_ONCE = 5_000
NEXT_ID = text("SELECT nextval(pg_get_serial_sequence('inspection_order', 'id'))")


@dataclass(frozen=True)
class Order:
    """Inspect these parcels (numbers of their declarations: ours, or customs' 清单编号). ``reason`` in words."""

    parcels: tuple[str, ...]
    mode: str
    reason: str
    at: datetime
    person_id: int | None = None
    customs_no: str | None = None


@dataclass(frozen=True)
class Result:
    """What an X-ray or unpacking showed."""

    inspection_id: int
    method: str
    outcome: str
    finding: str
    at: datetime
    person_id: int | None = None


def add_lane(
    session: Session, site_id: int, code: str, mode: str, names: tuple[str, str], *, has_xray: bool = True
) -> InspectionLane:
    """Set up a lane of a centre. Raises NotACentre, UnknownMode, InspectionLaneExists."""
    site = session.get_one(Site, site_id)
    if site.kind not in AT_SITES:
        raise rules.NotACentre(field="site", site=site.code)
    _check_mode(mode)
    same = select(InspectionLane.id).where(InspectionLane.site_id == site_id, InspectionLane.code == code)
    if session.scalar(same) is not None:
        raise rules.InspectionLaneExists(field="code", lane=code)
    made = InspectionLane(
        site_id=site_id, code=code, mode=mode, name_zh=names[0], name_en=names[1], has_xray=has_xray
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def order(session: Session, command: Order) -> InspectionOrder:
    """Order the inspection of parcels: each is on hold from this transaction on.

    Raises NotFound, UnknownMode, WrongModeForInspection, InspectionStands, FindingNeeded.
    """
    _check_mode(command.mode)
    if len(command.reason.strip()) < rules.SHORTEST_WORDS:
        raise rules.FindingNeeded(field="reason", least=rules.SHORTEST_WORDS)
    rows = _by_number(session, command.parcels)
    for row in rows:
        if row.trade_mode != command.mode:
            raise rules.WrongModeForInspection(
                field="parcels", number=row.cop_no, mode=row.trade_mode, wanted=command.mode
            )
    refuse_standing(session, rows)
    made = _write_order(
        session, "officer", command.reason.strip(), command.at, person_id=command.person_id,
        customs_no=command.customs_no,
    )  # fmt: skip
    _hold(session, made, rows, command.at, command.person_id)
    return made


def draw(
    session: Session, mode: str, at: datetime, *, person_id: int | None = None
) -> tuple[int, InspectionOrder | None]:
    """Let the random rule of the day choose among the released parcels of a mode that were never drawn.

    Returns how many were drawn and the order for those that were taken, if any. The share and the seed are dated data
    (``inspection.random`` of the mode). Raises UnknownMode.
    """
    _check_mode(mode)
    waiting = session.scalars(
        select(ParcelDeclaration.id)
        .where(
            ParcelDeclaration.state == "released",
            ParcelDeclaration.trade_mode == mode,
            ~select(InspectionDraw.declaration_id)
            .where(InspectionDraw.declaration_id == ParcelDeclaration.id)
            .exists(),
        )
        .order_by(ParcelDeclaration.id)
        .limit(DRAWN_AT_ONCE)
    ).all()
    rows = [row for row in _locked(session, waiting) if row.state == "released" and row.trade_mode == mode]
    return len(rows), _draw_among(session, mode, rows, at, person_id)


def draw_released(session: Session, rows: Sequence[ParcelDeclaration], at: datetime) -> None:
    """As :func:`draw`, for parcels that customs has just let go: no door sees one before it was drawn."""
    for mode in rules.MODES:
        _draw_among(
            session, mode, [row for row in rows if row.trade_mode == mode and row.state == "released"], at, None
        )


def order_by_receipt(session: Session, row: ParcelDeclaration, at: datetime, info: str) -> None:
    """Customs' receipt 500 (查验) orders the inspection of its parcel; one that is under inspection stays so.

    When that inspection ends, customs' own begins (:func:`_clear`).
    """
    if row.trade_mode not in rules.MODES or under_inspection(session, [row.id]):
        return
    made = _write_order(session, "receipt", info or "500", at, customs_no=row.invt_no or row.pre_no)
    _hold(session, made, [row], at, None)


def end_by_receipt(session: Session, rows: Sequence[ParcelDeclaration], at: datetime) -> None:
    """Customs let parcels go (800, 899) whose inspection its own receipt had ordered; not those found suspicious."""
    by_id = {row.id: row for row in rows}
    found = session.scalars(
        select(ParcelInspection)
        .join(InspectionOrder, InspectionOrder.id == ParcelInspection.order_id)
        .where(
            ParcelInspection.declaration_id.in_(by_id),
            ParcelInspection.state.in_((rules.WAITING, rules.EXAMINING)),
            ~ParcelInspection.is_suspicious,
            InspectionOrder.made_by == "receipt",
        )
        .order_by(ParcelInspection.declaration_id)
        .with_for_update(of=ParcelInspection)
        .execution_options(populate_existing=True)
    ).all()
    for one in found:
        _clear(session, one, by_id[one.declaration_id], at)
        _step(session, one, "customs", at, None, words=by_id[one.declaration_id].status or "")


def start(session: Session, inspection_id: int, lane_id: int, at: datetime, person_id: int | None) -> ParcelInspection:
    """Take a waiting parcel on a lane. Raises NotFound, NotAtThisStep, WrongModeForInspection, LaneShut."""
    row, declaration = _one(session, inspection_id)
    lane = session.get(InspectionLane, lane_id)
    if lane is None:
        raise NotFound(field="lane", what=str(lane_id))
    if row.state != rules.WAITING:
        raise rules.NotAtThisStep(number=declaration.cop_no, state=rules.WORDS[row.state])
    if lane.mode != declaration.trade_mode:
        raise rules.WrongModeForInspection(
            field="lane", number=declaration.cop_no, mode=declaration.trade_mode, wanted=lane.mode
        )
    if not lane.is_open:
        raise rules.LaneShut(field="lane", lane=lane.code)
    row.state, row.lane_id, row.started_at = rules.EXAMINING, lane.id, at
    _step(session, row, "started", at, person_id, words=lane.code)
    return row


def add_picture(
    session: Session, inspection_id: int, content: bytes, at: datetime, person_id: int | None
) -> InspectionPicture:
    """Keep a picture; the same picture again is the one that is there.

    Raises NotFound, BadPicture, TooManyPictures, NotAtThisStep.
    """
    row, declaration = _one(session, inspection_id)
    if row.state not in (rules.EXAMINING, rules.DETAINED):
        raise rules.NotAtThisStep(number=declaration.cop_no, state=rules.WORDS[row.state])
    media_type, digest = rules.picture_type(content), hashlib.sha256(content).digest()
    of_row = InspectionPicture.inspection_id == row.id
    same = session.scalar(select(InspectionPicture).where(of_row, InspectionPicture.sha256 == digest))
    if same is not None:
        return same
    if session.scalars(select(func.count()).where(of_row)).one() >= rules.MOST_PICTURES:
        raise rules.TooManyPictures(field="content", most=rules.MOST_PICTURES)
    made = InspectionPicture(
        inspection_id=row.id, sha256=digest, media_type=media_type, content=content, person_id=person_id, taken_at=at
    )
    session.add(made)
    session.flush()
    append_leaf(session, "inspection_picture", {"inspection_id": row.id, "sha256": digest.hex(), "at": at}, made.id)
    return made


def note_result(session: Session, result: Result) -> ParcelInspection:
    """Write a result: the parcel is let go, is to be unpacked, or is detained. A failure needs words and a picture.

    Raises NotFound and what :func:`wms.customs.inspection_rules.check_result` raises, NoXray, PictureNeeded.
    """
    row, declaration = _one(session, result.inspection_id)
    number = declaration.cop_no or str(declaration.id)
    after = rules.check_result(
        number, row.state, result.method, result.outcome, was_suspicious=row.is_suspicious, finding=result.finding
    )
    if result.method == "xray" and row.lane_id is not None:
        lane = session.get_one(InspectionLane, row.lane_id)
        if not lane.has_xray:
            raise rules.NoXray(field="method", lane=lane.code)
    if result.outcome == "failed" and not has_picture(session, row.id):
        raise rules.PictureNeeded(number=number)
    row.method = result.method
    if after == rules.CLEARED:
        _clear(session, row, declaration, result.at)
    else:
        row.state, row.is_suspicious = after, True
        row.decided_at = result.at if after == rules.DETAINED else None
    _step(
        session, row, result.method, result.at, result.person_id, words=result.finding.strip(), outcome=result.outcome
    )
    return row


def lift(session: Session, inspection_id: int, reason: str, at: datetime, person_id: int | None) -> ParcelInspection:
    """Let a detained parcel go after all, with a reason. Raises NotFound, NotAtThisStep, FindingNeeded."""
    row, declaration = _one(session, inspection_id)
    if row.state != rules.DETAINED:
        raise rules.NotAtThisStep(number=declaration.cop_no, state=rules.WORDS[row.state])
    if len(reason.strip()) < rules.SHORTEST_WORDS:
        raise rules.FindingNeeded(field="reason", least=rules.SHORTEST_WORDS)
    _clear(session, row, declaration, at)
    _step(session, row, "lifted", at, person_id, words=reason.strip())
    return row


# -- parts -------------------------------------------------------------------------------------------------------------


def _check_mode(mode: str) -> None:
    if mode not in rules.MODES:
        raise rules.UnknownMode(field="mode", mode=mode)


def _locked(session: Session, ids: Collection[int]) -> list[ParcelDeclaration]:
    """Declarations by id, locked in the order of their ids."""
    query = select(ParcelDeclaration).where(ParcelDeclaration.id.in_(ids)).order_by(ParcelDeclaration.id)
    return list(session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True)))


def _by_number(session: Session, numbers: Sequence[str]) -> list[ParcelDeclaration]:
    found: set[int] = set()
    for number in dict.fromkeys(numbers):
        declaration_id = session.scalar(
            select(ParcelDeclaration.id)
            .where((ParcelDeclaration.cop_no == number) | (ParcelDeclaration.invt_no == number))
            .order_by(ParcelDeclaration.id.desc())
            .limit(1)
        )
        if declaration_id is None:
            raise NotFound(field="parcels", what=number)
        found.add(declaration_id)
    return _locked(session, found)


def _draw_among(
    session: Session, mode: str, rows: Sequence[ParcelDeclaration], at: datetime, person_id: int | None
) -> InspectionOrder | None:
    if not rows:
        return None
    day = beijing_day(at)
    rule = dated.value(session, RANDOM, day, subject=mode)
    if not int(rule["share_bp"]):
        return None
    told: dict[str, Any] = {"share_bp": int(rule["share_bp"]), "seed": str(rule["seed"]), "on": day.isoformat()}
    fresh = set(
        session.scalars(
            insert(InspectionDraw)
            .values(
                [
                    {
                        "declaration_id": row.id, "rule": told, "drawn_at": at,
                        "is_taken": rules.is_drawn(told["seed"], day, row.cop_no or str(row.id), told["share_bp"]),
                    }
                    for row in rows
                ]
            )
            .on_conflict_do_nothing()
            .returning(InspectionDraw.declaration_id)
        )
    )  # fmt: skip
    standing = {declaration_id for declaration_id, _ in under_inspection(session, [row.id for row in rows])}
    taken = [
        row for row in rows
        if row.id in fresh and row.id not in standing
        and rules.is_drawn(told["seed"], day, row.cop_no or str(row.id), told["share_bp"])
    ]  # fmt: skip
    if not taken:
        return None
    made = _write_order(session, "rule", f"{told['share_bp'] / 100:g} %", at, person_id=person_id, rule=told)
    _hold(session, made, taken, at, person_id)
    return made


def _write_order(
    session: Session, made_by: str, reason: str, at: datetime, *, person_id: int | None = None,
    customs_no: str | None = None, rule: dict[str, Any] | None = None,
) -> InspectionOrder:  # fmt: skip
    order_id = session.execute(NEXT_ID).scalar_one()
    made = InspectionOrder(
        id=order_id, order_no=document_no(PREFIX, order_id), made_by=made_by, customs_no=customs_no,
        reason=reason[:500], rule=rule, person_id=person_id, ordered_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _hold(
    session: Session, made: InspectionOrder, rows: Sequence[ParcelDeclaration], at: datetime, person_id: int | None
) -> None:
    for row in rows:
        row.is_on_hold = True
        inspection = ParcelInspection(order_id=made.id, declaration_id=row.id)
        session.add(inspection)
        session.flush()
        _step(session, inspection, "ordered", at, person_id, words=made.reason)
    body = {"order_no": made.order_no, "made_by": made.made_by, "parcels": [row.cop_no for row in rows], "at": at}
    append_leaf(session, "inspection_order", body, made.id)


def _one(session: Session, inspection_id: int) -> tuple[ParcelInspection, ParcelDeclaration]:
    """The inspection and its declaration, locked: the declaration first, as everywhere."""
    declaration_id = session.scalar(select(ParcelInspection.declaration_id).where(ParcelInspection.id == inspection_id))
    if declaration_id is None:
        raise NotFound(field="inspection", what=str(inspection_id))
    (declaration,) = _locked(session, [declaration_id])
    row = session.scalars(
        select(ParcelInspection)
        .where(ParcelInspection.id == inspection_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return row, declaration


def _clear(session: Session, row: ParcelInspection, declaration: ParcelDeclaration, at: datetime) -> None:
    """The parcel is free of this inspection; it stays on hold where customs ordered one of its own meanwhile."""
    row.state, row.decided_at = rules.CLEARED, at
    declaration.is_on_hold = False
    session.flush()
    if declaration.status == ORDERED_BY_CUSTOMS and not was_inspected_for_customs(session, declaration.id):
        made = _write_order(
            session, "receipt", ORDERED_BY_CUSTOMS, at, customs_no=declaration.invt_no or declaration.pre_no
        )
        _hold(session, made, [declaration], at, None)


def _step(
    session: Session, row: ParcelInspection, step: str, at: datetime, person_id: int | None, *, words: str,
    outcome: str | None = None,
) -> None:  # fmt: skip
    session.flush()
    session.add(
        InspectionStep(inspection_id=row.id, step=step, outcome=outcome, words=words[:1000], person_id=person_id, at=at)
    )
    session.flush()
    if step != "ordered":
        body = {"inspection_id": row.id, "step": step, "outcome": outcome, "state": row.state, "at": at}
        append_leaf(session, "inspection_step", body, row.id)
