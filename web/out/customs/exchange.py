"""The transport to customs: what was queued goes out, what came is kept and matched, silence is asked after.

A message is put on the line first and noted as sent then, so it goes at least once; a file that came is kept and noted
in one transaction and taken off the line then, so it counts once. Whoever dies in between does it once more.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import structlog
from sqlalchemy import ColumnElement, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.orm import Session

from web.out.customs.lines import Incoming, Line, LineDown, line_to
from web.out.customs.rules import remind_s, settles, wait_s
from web.out.tables import CustomsAwaited, CustomsDispatch
from wms.customs import mail
from wms.customs.messages import post_office, trust
from wms.customs.messages.keeping import MessageErased, clear
from wms.customs.outline import Outline, Part, outline
from wms.customs.tables import CustomsMessage
from wms.db import Database, Scope
from wms.parties import dated
from wms.record.jobs import defer
from wms.record.service import append_leaf
from wms.settings import Settings, load_settings

log = structlog.get_logger("customs")

mail.register()  # whoever takes messages in knows whom they concern
EXCHANGE = "customs.exchange"
PAUSE_S = 1
AT_ONCE = 200
PATIENCE = "customs.patience"
LOCK = text("SELECT pg_try_advisory_lock(hashtext('customs.exchange'), :tenant_id)")
UNLOCK = text("SELECT pg_advisory_unlock(hashtext('customs.exchange'), :tenant_id)")


@cache
def _settings() -> Settings:
    return load_settings()


@dataclass(frozen=True)
class Turn:
    """What one turn did."""

    sent: int = 0
    taken: int = 0
    down: str | None = None


def exchange(database: Database, *, timestamp: int | None = None) -> None:
    """One turn, called by the clock and by itself for as long as there is a line to customs."""
    del timestamp
    settings = _settings()
    scope = Scope.system(settings.tenant_id)
    if settings.customs_exchange is None:  # what came by the API and waits for its goods or its document goes on
        database.run(scope, post_office.take_up_again)
        return
    turn = run_turn(database, scope, line_to(settings.customs_exchange))
    with database.unit_of_work(scope) as session:
        more = turn.sent + turn.taken > 0
        defer(session, EXCHANGE, queueing_lock=EXCHANGE, after_s=0 if more else PAUSE_S)


def run_turn(database: Database, scope: Scope, line: Line) -> Turn:
    """Send what is due and take what came. One at a time for an installation: a second caller does nothing."""
    tenant = {"tenant_id": scope.tenant_id}
    with database.engine.connect() as holder:
        if not holder.execute(LOCK, tenant).scalar():
            return Turn()
        try:
            return _turn(database, scope, line)
        finally:
            holder.execute(UNLOCK, tenant)


def _turn(database: Database, scope: Scope, line: Line) -> Turn:
    sent = taken = 0
    try:
        taken = _take_all(database, scope, line)
        with database.unit_of_work(scope) as session:
            post_office.take_up_again(session)
            _adopt(session)
        while sent < AT_ONCE and _send_next(database, scope, line):
            sent += 1
    except LineDown as down:
        log.warning("customs cannot be reached", reason=str(down))
        return Turn(sent, taken, str(down))
    return Turn(sent, taken)


def _adopt(session: Session) -> None:
    """Enter a dispatch for each message that was queued since."""
    queued = session.scalars(
        select(CustomsMessage)
        .outerjoin(CustomsDispatch, CustomsDispatch.message_id == CustomsMessage.id)
        .where(CustomsMessage.direction == "out", CustomsMessage.state == "queued", CustomsDispatch.id.is_(None))
        .order_by(CustomsMessage.id)
        .limit(AT_ONCE)
    ).all()
    now = datetime.now(UTC)
    for row in queued:
        name = f"{row.kind}_{row.id:010d}"
        made = session.scalar(
            insert(CustomsDispatch)
            .values(message_id=row.id, name=name, digest=row.digest.hex(), next_at=now)
            .on_conflict_do_nothing()
            .returning(CustomsDispatch.id)
        )
        for part in outline(clear(session, row)).parts if made is not None else ():
            session.add(CustomsAwaited(dispatch_id=made, numbers=sorted(part.numbers)))
    session.flush()


def _send_next(database: Database, scope: Scope, line: Line) -> bool:
    """Send the next message that is due; returns whether there was one. Raises LineDown after noting when to try again.

    The oldest that is due goes first; when it cannot, the others need not try now.
    """
    with database.unit_of_work(scope) as session:
        found = session.execute(
            select(CustomsDispatch, CustomsMessage)
            .join(CustomsMessage, CustomsMessage.id == CustomsDispatch.message_id)
            .where(CustomsDispatch.state != "settled", CustomsDispatch.next_at <= func.now())
            .order_by(CustomsDispatch.id)
            .limit(1)
            .with_for_update(of=CustomsDispatch)
        ).one_or_none()
        if found is None:
            return False
        dispatch, message = found
        now = datetime.now(UTC)
        try:
            line.put(f"{dispatch.name}_t-{dispatch.sendings + 1}.xml", clear(session, message))
        except MessageErased as gone:  # its answer never came, and its time is over
            dispatch.state, dispatch.next_at, dispatch.error = "settled", None, str(gone)
            return True
        except LineDown as down:
            failure = down
            dispatch.tries += 1
            dispatch.error, dispatch.next_at = str(down), now + timedelta(seconds=wait_s(dispatch.tries))
        else:
            _note_sent(session, dispatch, message.kind, now)
            return True
    raise failure


def _note_sent(session: Session, dispatch: CustomsDispatch, kind: str, now: datetime) -> None:
    dispatch.sendings += 1
    dispatch.tries, dispatch.error, dispatch.state = 0, None, "sent"
    dispatch.sent_at = dispatch.sent_at or now
    dispatch.last_sent_at = now
    dispatch.next_at = now + timedelta(seconds=_patience(session, dispatch))
    post_office.mark_sent(session, dispatch.message_id, now)
    session.flush()
    proof = {"kind": kind, "sha256": dispatch.digest, "name": dispatch.name, "sending": dispatch.sendings}
    append_leaf(session, "customs_sent", proof, dispatch.message_id)


def _patience(session: Session, dispatch: CustomsDispatch) -> int:
    values = dated.value(session, PATIENCE, datetime.now(UTC).date())
    heard = session.scalar(
        select(func.bool_and(func.cardinality(CustomsAwaited.heard) > 0)).where(
            CustomsAwaited.dispatch_id == dispatch.id
        )
    )
    return remind_s(max(1, dispatch.sendings), bool(heard), values)


def _take_all(database: Database, scope: Scope, line: Line) -> int:
    taken = 0
    for incoming in line.waiting(AT_ONCE):
        if incoming.too_large:
            log.error("a file from customs is too large and stays where it is", name=incoming.name)
            continue
        _take(database, scope, incoming)
        line.kept(incoming.name)  # only now: it is committed
        taken += 1
    return taken


def _take(database: Database, scope: Scope, incoming: Incoming) -> None:
    with database.unit_of_work(scope) as session:
        # Matched first: a handler may ask which document the numbers in its message belong to.
        seen = outline(incoming.raw)
        is_doubted = trust.is_doubted(session, seen.kind, incoming.raw, datetime.now(UTC))
        matched = [] if is_doubted else _match(session, seen)  # what nobody believes answers nothing
        taken = post_office.take(session, incoming.raw, incoming.name)
        for row in matched:
            row.answer_id = taken.id
        session.flush()
        _settle(session, {row.dispatch_id for row in matched})
    log.info("from customs", name=incoming.name, kind=taken.kind, state=taken.state, reason=taken.reason)


def _match(session: Session, seen: Outline) -> list[CustomsAwaited]:
    """Note answers at the documents they are about, and learn the numbers that customs gave them.

    All parts of a message are looked for at once, and locked in one order.
    """
    numbers = {number for part in seen.parts for number in part.numbers}
    if not numbers:
        return []
    rows = session.scalars(
        select(CustomsAwaited)
        .where(_shares(numbers))
        .order_by(CustomsAwaited.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    known: dict[str, set[CustomsAwaited]] = defaultdict(set)
    for row in rows:
        _know(known, row)
    matched: dict[int, CustomsAwaited] = {}
    for part in seen.parts:
        for row in {row for number in part.numbers for row in known.get(number, ())}:
            _hear(row, seen.kind, part)
            _know(known, row)
            matched[row.id] = row
    return [row for _id, row in sorted(matched.items())]


def _know(known: dict[str, set[CustomsAwaited]], row: CustomsAwaited) -> None:
    for number in row.numbers:
        known[number].add(row)


def _hear(row: CustomsAwaited, kind: str, part: Part) -> None:
    row.numbers = sorted({*row.numbers, *part.numbers})
    row.heard = sorted({*row.heard, f"{kind}={part.verdict}"})
    row.heard_at, row.reason = datetime.now(UTC), part.reason[:500] or row.reason


def _shares(numbers: Collection[str]) -> ColumnElement[bool]:
    return CustomsAwaited.numbers.op("&&")(cast(sorted(numbers), ARRAY(TEXT)))


def _settle(session: Session, dispatch_ids: Sequence[int] | set[int]) -> None:
    """Close what waits for nothing more; what still does is given its patience anew."""
    for dispatch_id in sorted(dispatch_ids):
        dispatch = session.get_one(CustomsDispatch, dispatch_id, with_for_update=True, populate_existing=True)
        message = session.get_one(CustomsMessage, dispatch.message_id)
        rows = list(session.scalars(select(CustomsAwaited).where(CustomsAwaited.dispatch_id == dispatch_id)))
        now = datetime.now(UTC)
        for row in rows:
            if row.settled_at is None and settles(message.kind, row.heard):
                row.settled_at = now
        if dispatch.state == "sent" and all(row.settled_at is not None for row in rows):
            dispatch.state, dispatch.next_at = "settled", None
        elif dispatch.state == "sent":
            asked_after = (dispatch.last_sent_at or now) + timedelta(seconds=_patience(session, dispatch))
            dispatch.next_at = asked_after
        session.flush()
