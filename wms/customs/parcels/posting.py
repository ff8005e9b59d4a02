"""A message of ours is looked at before it is queued: what schema and rules forbid is refused with field and rule."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from wms.customs.messages import Message, NotSchemaValid
from wms.customs.messages.business import find
from wms.customs.messages.reading import parse
from wms.customs.messages.shape import look
from wms.customs.messages.writing import compose
from wms.customs.outgoing import Desk, queue, sender_on

BEFORE_SIGNING = ("SCH-SIGNATURE", "SIGN-DECLARED")  # true of every message until it is signed


def post(session: Session, desk: Desk, message: Message, number: str | None, at: datetime) -> int | None:
    """Check, sign and queue a message; return its id, None where customs is told by hand.

    Raises NotSchemaValid with every finding, NoSender, NoKey.
    """
    if desk.is_by_hand:
        return None
    whole = replace(message, transfer=sender_on(session, at).node())
    read, broken = look(parse(compose(whole)))
    found = [*broken, *(find(read) if read is not None else ())]
    left = tuple(one for one in found if one.rule not in BEFORE_SIGNING)
    if left:
        raise NotSchemaValid(left)
    return queue(session, desk, whole, number, at)
