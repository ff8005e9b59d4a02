"""Why was this vehicle let out? One passage with everything its decision rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from wms.catalog.tables import TradeItem
from wms.codes import plates
from wms.customs.tables import GatePass, GatePassLine
from wms.gate.queries.besides import (
    OpeningRow,
    PhotoRow,
    QuestionRow,
    openings_of,
    orders_about,
    photos_of,
    question_of,
)
from wms.gate.queries.lanes import PassageRow, passage_row
from wms.gate.queries.proof import (
    DocumentRow,
    ExportRow,
    LeafRow,
    PostingRow,
    RegisteredRow,
    documents_of,
    exports_of,
    leaves_of,
    posting_of,
    registered_of,
)
from wms.gate.queries.settings import ControlRow
from wms.gate.rules import (
    VERSIONS,
    Case,
    Hold,
    WeightFinding,
    case_from_payload,
    case_hash,
    compare_weight,
    decide,
    hold_of,
)
from wms.gate.rules.refusals import UnknownPassage
from wms.gate.rules.shown import inputs_of
from wms.gate.tables import BarrierCommand, Decision, GatePassUse, Lane, Passage, PassageReading, Release
from wms.parties.tables import Person

MOST_AWAITED = 2_000
SKEW = timedelta(minutes=1)  # between the clocks of the machines that open passages and command barriers


@dataclass(frozen=True)
class CheckRow:
    """One line of the ordered decision: ``outcome`` is ok, hold or not_reached; ``inputs`` is what it looked at."""

    check: str
    outcome: str
    hold_code: str | None
    inputs: dict[str, Any]


@dataclass(frozen=True)
class ReadingRow:
    """A reading and what became of it."""

    reading_id: int
    kind: str
    device: str
    was_used: bool
    why: str
    content: dict[str, Any]
    event_at: datetime | None
    received_at: datetime


@dataclass(frozen=True)
class ReleaseRow:
    """A release with the names that stand on it."""

    id: int
    made_by: str
    state: str
    hold_code: str | None
    needs_second: bool
    requested_by: int | None
    requested_by_zh: str | None
    requested_by_en: str | None
    approved_by_zh: str | None
    approved_by_en: str | None
    reason_code: str | None
    reason: str | None
    requested_at: datetime
    granted_at: datetime | None
    lapsed_because: str | None


@dataclass(frozen=True)
class CommandRow:
    """A barrier command and its answers; ``action``: open, lock (keep the arm down), close (end the lock)."""

    id: int
    cmd_id: str
    action: str
    state: str
    decided_by: str
    issued_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    accepted_at: datetime | None
    opened_at: datetime | None
    passed_at: datetime | None
    closed_at: datetime | None
    fault: str | None


@dataclass(frozen=True)
class GoodsRow:
    """Goods of the pass: ``qty`` and ``passed_qty`` in base units."""

    line_no: int
    code: str
    name_zh: str
    name_en: str
    base_unit: str
    qty: int
    passed_qty: int


@dataclass(frozen=True)
class Explained:
    """Everything about one passage. ``replay_agrees``: the stored inputs, decided again now, give the stored answer.

    ``leaves`` are the facts that the record holds about it, ``exports`` who took its evidence away.
    """

    passage: PassageRow
    decision_id: int | None
    rule_version: str | None
    inputs: dict[str, Any] | None
    inputs_sha256: str | None
    case: Case | None
    verdict: str | None
    hold: Hold | None
    now_hold: Hold | None
    replay_agrees: bool
    weight: WeightFinding | None
    checks: tuple[CheckRow, ...]
    readings: tuple[ReadingRow, ...]
    releases: tuple[ReleaseRow, ...]
    commands: tuple[CommandRow, ...]
    gate_pass: GatePass | None
    documents: tuple[DocumentRow, ...]
    goods: tuple[GoodsRow, ...]
    registered: tuple[RegisteredRow, ...]
    posting_id: int | None
    posting: PostingRow | None
    leaves: tuple[LeafRow, ...]
    exports: tuple[ExportRow, ...]
    question: QuestionRow | None  # to customs' platform
    orders: tuple[ControlRow, ...]  # of customs
    photos: tuple[PhotoRow, ...]  # added by officers
    openings: tuple[OpeningRow, ...]  # by hand
    look_alikes: tuple[tuple[str, str], ...]  # plate and number of open passes that a camera may have misread


def explain(session: Session, passage_id: int) -> Explained:
    """One passage with readings, checks, releases, commands and goods. Raises :class:`UnknownPassage`."""
    passage = passage_row(session, passage_id)
    if passage is None:
        raise UnknownPassage(passage_id=passage_id)
    decision = session.scalar(select(Decision).where(Decision.passage_id == passage_id))
    case = case_from_payload(decision.inputs) if decision else None
    pass_id = decision.gate_pass_id if decision else None
    releases = _releases(session, passage_id)
    gate_pass = session.get(GatePass, pass_id) if pass_id else None
    question, photos = question_of(session, passage_id), photos_of(session, passage_id)
    openings = openings_of(session, passage_id)
    orders = orders_about(session, passage, decision, gate_pass)
    commands = _commands(session, passage, [order.id for order in orders])
    posting_id = session.scalar(select(GatePassUse.posting_id).where(GatePassUse.passage_id == passage_id))
    return Explained(
        passage=passage,
        decision_id=decision.id if decision else None,
        rule_version=decision.rule_version if decision else None,
        inputs=decision.inputs if decision else None,
        inputs_sha256=decision.inputs_hash.hex() if decision else None,
        case=case,
        verdict=decision.verdict if decision else None,
        hold=hold_of(decision.hold_code) if decision and decision.hold_code else None,
        now_hold=hold_of(passage.hold_code) if passage.hold_code else None,
        replay_agrees=decision is not None and case is not None and _agrees(decision, case),
        weight=_weight(case, pass_id),
        checks=_checks(decision, case) if decision and case else (),
        readings=_readings(session, passage_id),
        releases=releases,
        commands=commands,
        gate_pass=gate_pass,
        documents=documents_of(session, pass_id),
        goods=_goods(session, pass_id),
        registered=registered_of(session, pass_id),
        look_alikes=_look_alikes(session, passage),
        posting_id=posting_id,
        posting=posting_of(session, posting_id),
        leaves=leaves_of(
            session,
            [
                *_subjects(passage_id, decision, pass_id, releases, posting_id),
                ("customs_asked", passage_id),
                ("customs_answer", question.id if question else None),
                ("customs_answer_late", question.id if question else None),
                *(("passage_photo", photo.id) for photo in photos),
                *(("manual_opening", opening.id) for opening in openings),
                *((kind, order.id) for order in orders for kind in ("control_order", "control_withdrawn")),
                *(("barrier_command", command.id) for command in commands),
            ],
        ),
        exports=exports_of(session, passage_id),
        question=question,
        orders=orders,
        photos=photos,
        openings=openings,
    )


def _subjects(
    passage_id: int,
    decision: Decision | None,
    pass_id: int | None,
    releases: tuple[ReleaseRow, ...],
    posting_id: int | None,
) -> list[tuple[str, int | None]]:
    """What the record is asked for about a passage; its exports are left out, or each would change the next one."""
    officers = ("release_requested", "release_granted", "release_refused")
    return [
        ("gate_pass_approved", pass_id),
        ("gate_decision", decision.id if decision else None),
        *((kind, release.id) for release in releases for kind in officers),
        ("passage", passage_id),
        ("posting", posting_id),
    ]


def _checks(decision: Decision, case: Case) -> tuple[CheckRow, ...]:
    return tuple(CheckRow(**check, inputs=inputs_of(check["check"], case)) for check in decision.checks)


def _look_alikes(session: Session, passage: PassageRow) -> tuple[tuple[str, str], ...]:
    """A hint for the officer where no pass was sure; a look-alike never opens by itself (devices, section 9)."""
    if passage.pass_no is not None or passage.plate is None or passage.state != "held":
        return ()
    awaited = session.execute(
        select(GatePass.vehicle_plate, GatePass.pass_no)
        .where(GatePass.state.in_(("approved", "passed_first")), GatePass.direction == passage.direction)
        .order_by(GatePass.id)
        .limit(MOST_AWAITED)
    )
    return tuple((plate, number or "") for plate, number in awaited if plates.looks_like(plate, passage.plate))


def _agrees(decision: Decision, case: Case) -> bool:
    if decision.rule_version not in VERSIONS:
        return False
    again = decide(case, decision.rule_version)
    code = again.hold.code if again.hold else None
    same_bytes = case_hash(decision.inputs) == decision.inputs_hash
    return same_bytes and code == decision.hold_code and again.pass_id == decision.gate_pass_id


def _weight(case: Case | None, pass_id: int | None) -> WeightFinding | None:
    if case is None:
        return None
    total_g = next((p.total_weight_g for p in case.passes if p.pass_id == pass_id), None)
    return None if total_g is None else compare_weight(case.seen.weight_g, total_g, case.tolerance)


def _readings(session: Session, passage_id: int) -> tuple[ReadingRow, ...]:
    found = session.scalars(
        select(PassageReading).where(PassageReading.passage_id == passage_id).order_by(PassageReading.reading_id)
    )
    return tuple(
        ReadingRow(
            row.reading_id, row.kind, row.device, row.was_used, row.why, row.content, row.event_at, row.received_at
        )
        for row in found
    )


def _releases(session: Session, passage_id: int) -> tuple[ReleaseRow, ...]:
    asked, agreed = aliased(Person), aliased(Person)
    found = session.execute(
        select(
            Release.id, Release.made_by, Release.state, Release.hold_code, Release.needs_second, Release.requested_by,
            asked.name_zh, asked.name_en, agreed.name_zh, agreed.name_en, Release.reason_code, Release.reason,
            Release.requested_at, Release.granted_at, Release.lapsed_because,
        )
        .outerjoin(asked, asked.id == Release.requested_by)
        .outerjoin(agreed, agreed.id == Release.approved_by)
        .where(Release.passage_id == passage_id)
        .order_by(Release.id)
    )  # fmt: skip
    return tuple(ReleaseRow(*cast("Any", row)) for row in found)


def _commands(session: Session, passage: PassageRow, order_ids: Sequence[int]) -> tuple[CommandRow, ...]:
    """Those of its releases, and those by which an order on it kept the arm down and a release ended that."""
    opening, own = aliased(BarrierCommand), aliased(Release)
    ended = (
        select(opening.id)
        .join(own, own.id == opening.release_id)
        .where(
            own.passage_id == passage.id,
            opening.lane_id == BarrierCommand.lane_id,
            opening.decided_by == BarrierCommand.decided_by,
            opening.issued_at == BarrierCommand.issued_at,
        )
    )
    found = session.scalars(
        select(BarrierCommand)
        .join(Lane, Lane.id == BarrierCommand.lane_id)
        .outerjoin(Release, Release.id == BarrierCommand.release_id)
        .where(
            Lane.code == passage.lane_code,
            Lane.site_id == select(Passage.site_id).where(Passage.id == passage.id).scalar_subquery(),
            BarrierCommand.issued_at >= passage.opened_at - SKEW,  # for the index; the rest says which
            or_(
                Release.passage_id == passage.id,
                and_(BarrierCommand.action == "close", ended.exists()),
                and_(
                    BarrierCommand.decided_by.in_([f"control:{order_id}" for order_id in order_ids]),
                    BarrierCommand.issued_at >= passage.opened_at,
                    BarrierCommand.issued_at <= (passage.closed_at or datetime.max.replace(tzinfo=UTC)),
                ),
            ),
        )
        .order_by(BarrierCommand.id)
    )
    return tuple(
        CommandRow(
            row.id, str(row.cmd_id), row.action, row.state, row.decided_by, row.issued_at, row.expires_at, row.sent_at,
            row.accepted_at, row.opened_at, row.passed_at, row.closed_at, row.fault,
        )
        for row in found
    )  # fmt: skip


def _goods(session: Session, pass_id: int | None) -> tuple[GoodsRow, ...]:
    found = session.execute(
        select(
            GatePassLine.line_no, TradeItem.code, TradeItem.name_zh, TradeItem.name_en, TradeItem.base_unit,
            GatePassLine.qty, GatePassLine.passed_qty,
        )
        .join(TradeItem, TradeItem.id == GatePassLine.trade_item_id)
        .where(GatePassLine.gate_pass_id == pass_id)
        .order_by(GatePassLine.line_no)
    )  # fmt: skip
    return tuple(GoodsRow(*row) for row in found)
