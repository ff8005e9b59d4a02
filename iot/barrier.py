"""Barrier commands out, results in (devices reference, section 7).

A command is a row with five seconds to live, made in the transaction of its release. ``tick`` signs and sends those
that are due, never one that has expired, and turns silence into a fault with an alarm; nothing is ever sent twice.
``take_reading`` takes what controllers answer, what their sensors say, and the fence's alarms.

The signature is HMAC-SHA256 over the command's canonical JSON without ``sig`` (sorted keys, no spaces, UTF-8), under a
key of the device's own that is derived from the installation's secret: :func:`device_key`.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from iot import controllers, fence, outbox
from iot.events import REPLAYED, RETAINED, UNTRUSTED
from iot.readings import OpenReading
from iot.tables import Device, DeviceState
from wms.db import Database, Scope
from wms.gate.service import CommandStep, command_due, expire_or_send, fail_silent, record_result
from wms.gate.service.barrier import (
    ANSWERS_WITHIN,
    OPENS_WITHIN,
    barrier_seen,
    latest_command,
    opening_unknown,
    set_link,
)
from wms.gate.tables import BarrierCommand, Lane, LaneState
from wms.parties.tables import Site
from wms.settings import load_settings
from wms.watch.service import NewAlarm, raise_alarm

log = structlog.get_logger(__name__)

# Where a command goes, and in which format its controller is spoken to.
WHERE = (
    select(Lane.code, Lane.site_id, Site.code.label("site"), Device.format)
    .join(Site, Site.id == Lane.site_id)
    .outerjoin(Device, Device.code == bindparam("device"))
    .where(Lane.id == bindparam("lane_id"))
)
# What a controller said in time counts, though a busy machine has not read it yet.
UNREAD = text(
    """
    SELECT DISTINCT device.code FROM barrier_command AS command JOIN device ON device.code = command.device
    WHERE command.state IN ('sent', 'accepted') AND (
      EXISTS (SELECT 1 FROM inbox WHERE inbox.device_id = device.id AND inbox.state = 'received'
              AND inbox.recorded_at <= coalesce(command.accepted_at + :opens, command.sent_at + :answers))
      OR EXISTS (SELECT 1 FROM reading WHERE reading.device_id = device.id AND reading.state = 'open'
                 AND reading.recorded_at <= coalesce(command.accepted_at + :opens, command.sent_at + :answers)))
    """
)


@lru_cache(maxsize=1)
def _installation_secret() -> str:
    return load_settings().secret_key


def device_key(secret_key: str, device: str) -> str:
    """The signing key of one barrier controller, 64 hexadecimal digits; given to it when it is set up."""
    return hmac.new(secret_key.encode(), f"dongting barrier key\0{device}".encode(), hashlib.sha256).hexdigest()


def signature(key: str, command: Mapping[str, Any]) -> str:
    """HMAC-SHA256 over the canonical JSON of ``command`` without ``sig``, hexadecimal."""
    body = {name: value for name, value in command.items() if name != "sig"}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hmac.new(bytes.fromhex(key), canonical, hashlib.sha256).hexdigest()


def tick(
    database: Database, scope: Scope, sites: Collection[int], now: datetime, *, secret_key: str | None = None,
    leave: Callable[[Sequence[outbox.Due]], None] | None = None,
) -> int:  # fmt: skip
    """Send what is due, expire what is not, fault what stayed silent; returns how many commands were touched.

    ``leave`` is given the commands behind the commit, to send them in one order with those of decisions; without it
    they are queued in the outbox.
    """
    due: list[outbox.Due] = []
    with database.unit_of_work(scope) as session:
        if leave is None:
            touched = send_due(session, sites, now, secret_key=secret_key)
        else:
            due = send_along(session, sites, now, secret_key=secret_key)
            touched = len(due)
        within = {"opens": OPENS_WITHIN, "answers": ANSWERS_WITHIN}
        failed = fail_silent(session, sites, now, unread=session.scalars(UNREAD, within).all())
        linked = _follow_links(session, sites)
    if leave is not None:
        leave(due)
    return touched + failed + linked


def send_due(session: Session, sites: Collection[int], now: datetime, *, secret_key: str | None = None) -> int:
    """Queue what is due and expire what is not, in the caller's transaction; returns how many commands were touched."""
    due = command_due(session, sites)
    for one in _messages(session, due, now, secret_key):
        outbox.publish(session, one.topic, one.payload, expires_at=one.expires_at, site_id=one.site_id)
    return len(due)


def send_along(
    session: Session, sites: Collection[int], now: datetime, *, secret_key: str | None = None
) -> list[outbox.Due]:
    """As :func:`send_due`; what it returns the caller sends himself behind his commit, and nobody else does."""
    return [
        outbox.send_along(session, one.topic, one.payload, expires_at=one.expires_at, site_id=one.site_id)
        for one in _messages(session, command_due(session, sites), now, secret_key)
    ]


class _Message(NamedTuple):
    topic: str
    payload: bytes
    expires_at: datetime
    site_id: int


def _messages(
    session: Session, due: Sequence[BarrierCommand], now: datetime, secret_key: str | None
) -> Iterator[_Message]:
    """What each command says that is to be sent now; the others expire, or are refused for their controller."""
    for command in due:
        if expire_or_send(session, command, now):
            where = session.execute(WHERE, {"device": command.device, "lane_id": command.lane_id}).one()
            said = _said(command, where, secret_key or _installation_secret())
            if said is not None:
                yield _Message(*said, command.expires_at, where.site_id)
            else:
                record_result(session, CommandStep(command.cmd_id, command.device, "refused", now, "not_supported"))
        log.info("barrier_command", cmd_id=str(command.cmd_id), state=command.state, device=command.device)


def _said(command: BarrierCommand, where: Any, secret_key: str) -> tuple[str, bytes] | None:
    if where.format == controllers.ZHENSHI:
        return controllers.zhenshi_message(command)
    body = command_body(command, where.code)
    body["sig"] = signature(device_key(secret_key, command.device), body)
    return controllers.own_message(command, where.site, body)


def command_body(command: BarrierCommand, lane_code: str) -> dict[str, Any]:
    """The command as the controller gets it, unsigned; instants in RFC 3339."""
    return {
        "cmd_id": str(command.cmd_id),
        "action": command.action,
        "release_id": command.release_id,
        "lane": lane_code,
        "decided_by": command.decided_by,
        "issued_at": command.issued_at.isoformat(),
        "exp": command.expires_at.isoformat(),
        "nonce": command.nonce,
    }


def _follow_links(session: Session, sites: Collection[int]) -> int:
    """Take over from the device's status whether each barrier's controller is there."""
    changed = session.execute(
        select(Lane, DeviceState.is_online)
        .join(Device, Device.code == Lane.barrier_device)
        .join(DeviceState, DeviceState.device_id == Device.id)
        .join(LaneState, LaneState.lane_id == Lane.id)
        .where(
            Lane.site_id.in_(sites), DeviceState.is_online.is_not(None), DeviceState.is_online != LaneState.is_linked
        )
    ).all()
    for lane, is_online in changed:
        set_link(session, lane, is_linked=bool(is_online))
    return len(changed)


def take_reading(session: Session, row: OpenReading, lanes: Mapping[str, Lane]) -> bool:
    """Take a reading that is no lane's own; returns whether anything was made of it."""
    if row.kind == "CommandResult":
        return _take_result(session, row)
    if row.kind == "BarrierRead":
        return _take_state(session, row, lanes)
    if row.kind == "FenceAlarm":
        return fence.take(session, row)
    if row.kind == "VideoEvent":
        return fence.take_alert(session, row)
    return False


def _take_state(session: Session, row: OpenReading, lanes: Mapping[str, Lane]) -> bool:
    """Where the arm is now; what is told again, late or by a clock that is off is no news of that.

    An opening of which no command knows is an alarm whenever it is heard of.
    """
    lane = next((lane for lane in lanes.values() if lane.barrier_device == row.device_code), None)
    if lane is None or {REPLAYED, RETAINED, *UNTRUSTED} & set(row.flags):
        return False
    state = str(row.payload["state"]).lower()
    if not row.is_live:
        return opening_unknown(session, lane, state, str(row.payload.get("cmd_id") or ""), row.recorded_at)
    barrier_seen(session, lane, state, row.recorded_at)
    _follow_state(session, row, state)
    return True


def _take_result(session: Session, row: OpenReading) -> bool:
    """A result counts also when it comes late: what it tells has happened. It moves no barrier.

    One that lacks the signature it should have tells nothing: its sender may be anybody.
    """
    named, result = str(row.payload["cmd_id"]), str(row.payload["result"])
    if doubts := UNTRUSTED & set(row.flags):
        detail = f"{result} {named} {' '.join(sorted(doubts))}"[:200]
        code = row.device_code or "?"
        raise_alarm(
            session,
            NewAlarm(row.site_id, "barrier", "untrusted_result", code, row.recorded_at, detail, reading_id=row.id),
        )
        return False
    reason = str(row.payload["reason"]) if row.payload.get("reason") else None
    try:
        cmd_id = UUID(named)
    except ValueError:
        cmd_id = UUID(int=0)
    step = CommandStep(cmd_id, row.device_code or "", result, row.recorded_at, reason)
    outcome = record_result(session, step)
    if outcome == "unknown":
        raise_alarm(
            session,
            NewAlarm(
                row.site_id, "barrier", "unknown_command", row.device_code or "?", row.recorded_at,
                detail=f"{result} {named}"[:200], reading_id=row.id,
            ),
        )  # fmt: skip
    return outcome != "unknown"


def _follow_state(session: Session, row: OpenReading, state: str) -> None:
    """Of a controller that tells no steps, the sensors prove them: what they say belongs to its last command."""
    result = controllers.result_of_state(state)
    is_zhenshi = session.scalar(select(Device.format).where(Device.id == row.device_id)) == controllers.ZHENSHI
    command = latest_command(session, row.device_code or "", row.recorded_at) if result and is_zhenshi else None
    if command is not None and result and (result == "opened" or command.opened_at is not None):
        record_result(session, CommandStep(command.cmd_id, command.device, result, row.recorded_at))
