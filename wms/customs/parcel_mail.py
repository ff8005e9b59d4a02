"""Parcels are declared to customs: state, quota and message (CEB621, CEB603) together or not at all."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.outgoing import Desk, ready
from wms.customs.parcels import declaring, exchange, papers
from wms.customs.tables.parcels import ParcelDeclaration
from wms.errors import WmsError
from wms.parties.private import Vault


def declare(
    session: Session, vault: Vault, declaration_ids: Sequence[int], at: datetime, desk: Desk
) -> list[WmsError | None]:
    """Declare parcels to customs: their state, their quota and the queued messages, all in one transaction.

    Refusals stand at their places, as :func:`wms.customs.parcels.declaring.declare` gives them.
    Raises NoSender, NoKey where no message could leave at all.
    """
    directions = select(ParcelDeclaration.direction).where(ParcelDeclaration.id.in_(declaration_ids)).distinct()
    for direction in session.scalars(directions):
        ready(session, desk, papers.KIND[direction], at)
    refused = declaring.declare(session, vault, declaration_ids, at)
    gone = [one for one, refusal in zip(declaration_ids, refused, strict=True) if refusal is None]
    exchange.post(session, vault, gone, desk, at)
    return refused
