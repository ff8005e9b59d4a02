"""What was queued for customs, read back: valid for our description and the public schemas; and customs' answers."""

import random
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.wms.customs.messages import made
from tests.wms.customs.messages.test_schema import schemas
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT
from wms.customs.messages import Message, check, head_of, post_office, read, spec
from wms.customs.messages.keeping import clear
from wms.customs.messages.signing import SoftwareKey, make_test_key
from wms.customs.messages.writing import compose
from wms.customs.outgoing import SENDER, Desk
from wms.customs.tables.messages import CustomsMessage
from wms.parties import dated


@cache
def key() -> SoftwareKey:
    """One key for all tests: making one takes a while."""
    return make_test_key("tests")


def desk(session: Session) -> Desk:
    """A desk that signs, with a sender named."""
    if not dated.value(session, SENDER, AT.date())["code"]:
        world.name_sender(session)
    return Desk(key)


def sent(session: Session, kind: str) -> list[Message]:
    """The messages of a kind that wait to be sent; each is without a finding."""
    rows = session.scalars(
        select(CustomsMessage)
        .where(CustomsMessage.direction == "out", CustomsMessage.kind == kind)
        .order_by(CustomsMessage.id)
    )
    found = []
    for row in rows:
        raw = clear(session, row)
        assert [(one.rule, one.field, one.english) for one in check(raw).findings] == []
        found.append(read(raw))
    return found


def last(session: Session, kind: str) -> dict[str, str]:
    """The head of the last document queued of a kind."""
    message = sent(session, kind)[-1]
    return dict(head_of(message, message.documents[-1]))


def is_publicly_valid(session: Session, shared: Path, kind: str) -> bool:
    """Whether the public schemas take every message queued of a kind."""
    public = schemas(shared)[spec.kind(kind).direction]
    rows = session.scalars(select(CustomsMessage).where(CustomsMessage.kind == kind, CustomsMessage.direction == "out"))
    verdicts = [public.validate(etree.fromstring(clear(session, row))) for row in rows]
    return bool(verdicts) and all(verdicts)


def answer(session: Session, kind: str, at: datetime, **fields: str) -> post_office.Taken:
    """A message of customs through the post office: fields that matter as given, the others made up."""
    return answer_with(session, kind, at, (), fields)


def answer_with(
    session: Session, kind: str, at: datetime, lines: tuple[dict[str, str], ...], fields: dict[str, str]
) -> post_office.Taken:
    """As :func:`answer`, with lines."""
    described = spec.kind(kind)
    chance = random.Random(1)
    head = {one.name: made.value(one, chance) for one in described.head.node.fields if one.is_required}
    names = {one.name for one in described.head.node.fields}
    said = {"guid": made.GUID, "returnTime": f"{world.stamp(at)}000", "opDate": f"{world.stamp(at)}000", **fields}
    head |= {name: value for name, value in said.items() if name in names}
    document: dict[str, Any] = head
    if described.is_nested:
        document = {described.head.node.name: head}
        if described.lines:
            document[described.lines.node.name] = lines
    transfer = {"copCode": "C", "copName": "C", "dxpMode": "DXP", "dxpId": "D"} if described.tail else None
    message = Message(kind, made.GUID, (document,), transfer=transfer)
    return post_office.take(session, compose(message), "test", at)
