"""Requests about a declared parcel by message: cancel it (CEB623, CEB605), let goods come back (CEB625, CEB213).

State and message stand or fall together; without a list number of customs there is nothing that a message could name.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from wms.customs.outgoing import Desk
from wms.customs.parcels import request_papers, requests
from wms.customs.parcels.posting import post
from wms.customs.parcels.rules import requests as rules
from wms.customs.parcels.rules.requests import ReturnLine, WayBack
from wms.customs.tables.parcels import ParcelDeclaration, ParcelRequest
from wms.errors import N_, Kind, WmsError
from wms.parties.private import Vault


class NoWayBack(WmsError):
    """The message of an export's return tells how the goods come back."""

    code = "return_way_missing"
    kind = Kind.INVALID
    text = N_("Say how the goods come back: way of transport, conveyance, voyage, port and country.")


def ask_to_cancel(
    session: Session, vault: Vault, declaration_id: int, reason: str, at: datetime, desk: Desk
) -> ParcelRequest:
    """Ask customs to cancel a declaration. What was never sent is cancelled at once, without a message.

    Raises NotCancellable, AlreadyAsked, NoListNumber, NoSender, NoKey.
    """
    asked = requests.ask_to_cancel(session, declaration_id, reason, at)
    if asked.state == "applied" and not desk.is_by_hand:
        _numbered(session, asked)
        post(session, desk, request_papers.of_cancel(session, vault, asked, at), asked.cop_no, at)
    return asked


def ask_to_return(
    session: Session, vault: Vault, declaration_id: int, lines: Sequence[ReturnLine], reason: str, at: datetime,
    desk: Desk, way: WayBack | None = None,
) -> ParcelRequest:  # fmt: skip
    """Apply to customs for the return of goods, whole or in part.

    Raises as :func:`wms.customs.parcels.requests.ask_to_return`; NoWayBack, NoListNumber, NoSender, NoKey.
    """
    asked = requests.ask_to_return(session, declaration_id, lines, reason, at, way)
    if not desk.is_by_hand:
        row = _numbered(session, asked)
        if row.direction == "E" and not asked.head:
            raise NoWayBack(field="way")
        post(session, desk, request_papers.of_return(session, vault, asked, at), asked.cop_no, at)
    return asked


def _numbered(session: Session, asked: ParcelRequest) -> ParcelDeclaration:
    row = session.get_one(ParcelDeclaration, asked.declaration_id)
    if not row.invt_no:
        raise rules.NoListNumber(number=row.cop_no)
    return row
