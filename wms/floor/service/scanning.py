"""The one use case of a scan: it is applied once, understood, acted on, and answered.

A scan is unique by its key and by (device, boot, sequence); a repeat gets the first answer and changes nothing (ledger
reference, I7). Mistakes are answers too and are kept: the clerk who was told "stop" is not overtaken by a replay.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import import_module

from psycopg.types.json import Jsonb
from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.codes import gs1
from wms.db import call
from wms.errors import N_, Kind, WmsError
from wms.floor.rules import commands
from wms.floor.rules.answers import Answer, Expect, refused
from wms.floor.service import plain_receipt
from wms.floor.service.desk import Desk, context_of, event_time
from wms.floor.service.jobs import Job
from wms.floor.service.scan_opening import Opened, open_scan
from wms.floor.tables import Scan, ScanContext
from wms.record.rules import KeyReused, digest

MAX_CODE = 500
ANSWERED = "UPDATE scan SET outcome = %s, answer = %s, posting_id = %s WHERE id = %s RETURNING id"
CODES = (
    "SELECT (SELECT code FROM site WHERE id = %s), (SELECT notice_no FROM advance_notice WHERE id = %s),"
    " (SELECT code FROM location WHERE id = %s)"
)
JOB_MODULES = (
    "wms.floor.service.receiving",
    "wms.floor.service.putting_away",
    "wms.floor.service.moving_desk",
    "wms.floor.service.picking_desk",
    "wms.floor.service.packing_desk",
    "wms.floor.service.sorting",
    "wms.floor.service.loading_desk",
    "wms.floor.service.counting_desk",
    "wms.floor.service.returning_desk",
    "wms.floor.service.units_desk",
)


@cache
def jobs() -> Mapping[str, Job]:
    """Return every job of the scan page by its name: each module of JOB_MODULES holds one as ``JOB``."""
    found: list[Job] = [import_module(name).JOB for name in JOB_MODULES]
    return {job.name: job for job in found}


class BadScan(WmsError):
    """A field of the scan's envelope cannot be: the program on the device is wrong, not the clerk."""

    code = "bad_scan"
    kind = Kind.INVALID
    text = N_("The scan's %(name)s is not right.")


@dataclass(frozen=True)
class TakeScan:
    """A scan with its context. ``key`` and ``seq`` are made by the device when the label is read, not when it is sent.

    ``job`` is one of :func:`jobs`; ``notice_no``, ``site_code`` and ``document_no`` (a pick list, a count, a load …)
    name what the clerk has chosen on the screen.
    """

    key: str
    device: str
    boot: str
    seq: int
    code: str
    occurred_at: datetime
    job: str
    symbology: str | None = None
    notice_no: str | None = None
    site_code: str | None = None
    document_no: str | None = None

    def request_hash(self) -> bytes:
        """What a repeat under the same key must have in common with the first."""
        said = {name: value for name, value in vars(self).items() if name != "key"}
        if self.document_no is None:
            del said["document_no"]  # scans of before the field was known keep their hash
        return digest(said)


@dataclass(frozen=True)
class Taken:
    """A scan that was answered; ``replayed``: it was answered before and this is that answer."""

    scan_id: int
    answer: Answer
    replayed: bool


def take_scan(session: Session, scan: TakeScan, received_at: datetime) -> Taken:
    """Apply a scan once and return its answer.

    Raises BadScan for an envelope that cannot be, KeyReused when key or sequence number was used for another scan.
    """
    _check_envelope(scan)
    label = gs1.read(scan.code, scan.symbology)
    event_at = event_time(session, scan.occurred_at, received_at)
    opened = open_scan(session, scan, label, event_at)
    if opened is None:
        return _first_answer(session, scan)
    answer = plain_receipt.take(session, scan, opened, label, event_at, received_at)
    if answer is not None:
        return Taken(opened.scan_id, answer, replayed=False)
    context = context_of(session, scan.device, scan.job)
    desk = Desk(session, context, opened.scan_id, scan.key, scan.device, event_at)
    try:
        with session.begin_nested():
            answer = _act(desk, scan, label)
            context.changed_at = received_at
    except WmsError as refusal:
        desk.posting_id = None
        answer = refused(refusal, _expects(desk))
    session.flush()
    answer = replace(answer, context=_shown(session, context, opened))
    call(session, ANSWERED, (answer.outcome.value, Jsonb(answer.as_json()), desk.posting_id, opened.scan_id))
    return Taken(opened.scan_id, answer, replayed=False)


def _check_envelope(scan: TakeScan) -> None:
    rules: tuple[tuple[str, bool], ...] = (
        ("key", 8 <= len(scan.key) <= 255),
        ("device", 1 <= len(scan.device) <= 100),
        ("boot", 1 <= len(scan.boot) <= 100),
        ("seq", 0 <= scan.seq < 2**53),
        ("code", len(scan.code) <= MAX_CODE and "\x00" not in scan.code),
        ("job", scan.job in jobs()),
        ("occurred_at", scan.occurred_at.tzinfo is not None),
    )
    for name, holds in rules:
        if not holds:
            raise BadScan(field=name, name=name)


def _first_answer(session: Session, scan: TakeScan) -> Taken:
    found = session.scalars(select(Scan).where(Scan.key == scan.key)).one_or_none()
    if found is None or bytes(found.request_hash) != scan.request_hash() or found.answer is None:
        raise KeyReused(field="key", key=scan.key)
    return Taken(found.id, Answer.from_json(found.answer), replayed=True)


def _act(desk: Desk, scan: TakeScan, label: gs1.Label) -> Answer:
    job = jobs()[scan.job]
    job.follow_screen(desk, scan, label)
    given = commands.parse(label.text) if label.kind is gs1.LabelKind.TEXT else None
    return job.command(desk, given) if given is not None else job.step(desk, label)


def _expects(desk: Desk) -> tuple[Expect, ...]:
    desk.session.refresh(desk.context)
    return jobs()[desk.context.job].expects(desk)


def _shown(session: Session, context: ScanContext, opened: Opened) -> dict[str, object]:
    """Return what the device is in the middle of, for the screen."""
    chosen = (context.site_id, context.notice_id, context.location_id)
    if chosen != (opened.site_id, opened.notice_id, opened.location_id):
        [(site, notice, place)] = call(session, CODES, chosen)
        opened = replace(opened, site=site, notice=notice, place=place)
    opened = replace(opened, document_no=context.document_no)
    return plain_receipt.shown(
        opened, next_qty=context.next_qty, is_damaged=context.is_damaged, holds=bool(context.pending)
    )
