"""How declarations leave: who sends them (dated data), which key signs them (a setting), or customs is told by hand.

A use case queues its message here in the transaction that declares: state and message stand or fall together. Without a
line to customs the message waits at the post office and is seen to wait there; where an enterprise works with the
single window by hand, nothing is queued and the state is all there is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from wms.customs.messages import Message, post_office
from wms.customs.messages.writing import compose
from wms.customs.modes import beijing_day
from wms.errors import N_, Kind, WmsError
from wms.parties import dated

SENDER = "customs.sender"
SIGNED_KINDS = "customs.signed_kinds"


class NoSender(WmsError):
    """Nobody is named as the sender of messages; customs takes none without one."""

    code = "customs_sender_missing"
    kind = Kind.CONFLICT
    text = N_(
        "Nobody is named who sends to customs: enter the dated value %(setting)s with code, name and dxp_id of the"
        " enterprise that owns the client."
    )


class NoKey(WmsError):
    """Customs asks for a signature, and there is no key to sign with."""

    code = "customs_key_missing"
    kind = Kind.CONFLICT
    text = N_(
        "Customs asks for a signature on %(kind)s, but %(setting)s is set to none: give it the PEM file of the"
        " enterprise's key and certificate."
    )


class Signs(Protocol):
    """Whatever signs: a key in a file, a hardware key."""

    def sign(self, data: bytes) -> bytes:
        """Return the message with its signature in place."""


@dataclass(frozen=True)
class Sender:
    """Who sends (BaseTransfer): the enterprise that owns the client."""

    code: str
    name: str
    dxp_id: str

    def node(self) -> dict[str, str]:
        """The fields of BaseTransfer."""
        return {"copCode": self.code, "copName": self.name, "dxpMode": "DXP", "dxpId": self.dxp_id}


def _unset() -> None:
    """No key."""


@dataclass(frozen=True)
class Desk:
    """The installation's desk for customs. ``key`` is asked when something is to be signed; None: nothing signs."""

    key: Callable[[], Signs | None] = _unset
    is_by_hand: bool = False


def sender_on(session: Session, at: datetime) -> Sender:
    """Return who sends on the day of ``at`` in Beijing. Raises NoSender."""
    said = dated.value(session, SENDER, beijing_day(at))
    if not (said["code"] and said["dxp_id"]):
        raise NoSender(setting=SENDER)
    return Sender(said["code"], said["name"], said["dxp_id"])


def ready(session: Session, desk: Desk, kind: str, at: datetime) -> None:
    """Refuse at once what could not leave: before any document moves. Raises NoSender, NoKey."""
    if not desk.is_by_hand:
        sender_on(session, at)
        _signer(session, desk, kind, at)


def queue(session: Session, desk: Desk, message: Message, number: str | None, at: datetime) -> int | None:
    """Sign and queue a message of the CEB set; return its id, None where customs is told by hand.

    A message that names no sender gets the one of the day. Raises NoSender, NoKey.
    """
    if desk.is_by_hand:
        return None
    signer = _signer(session, desk, message.type, at)
    whole = message if message.transfer else replace(message, transfer=sender_on(session, at).node())
    data = compose(whole)
    return post_office.send(session, message.type, number, signer.sign(data) if signer is not None else data)


def _signer(session: Session, desk: Desk, kind: str, at: datetime) -> Signs | None:
    signer = desk.key()
    if signer is None and kind in dated.value(session, SIGNED_KINDS, beijing_day(at)):
        raise NoKey(kind=kind, setting="DONGTING_CUSTOMS_KEY")
    return signer
