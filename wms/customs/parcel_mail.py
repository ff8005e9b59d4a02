"""The correspondence with customs about parcels: declarations out as CEB621 and CEB603, receipts and tax bills in."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from wms.customs.messages import post_office
from wms.customs.messages.post_office import NotYet, Received
from wms.customs.parcels import declaring, exchange, papers
from wms.customs.parcels.exchange import Sender
from wms.errors import NotFound, WmsError
from wms.parties.private import Vault

Signer = Callable[[bytes], bytes]
KINDS = (*exchange.RECEIPTS, exchange.BILLS, exchange.BILL_STATUS)
NO_KEYS = Vault({}, b"")  # receipts and bills name no person


def declare(
    session: Session,
    vault: Vault,
    declaration_ids: Sequence[int],
    at: datetime,
    sender: Sender,
    *,
    direction: str = "I",
    sign: Signer | None = None,
) -> list[WmsError | None]:
    """Declare parcels to customs: their state, their quota and a queued message each, all in one transaction.

    ``sign`` puts the signature into the message. Refusals stand at their places, as
    :func:`wms.customs.parcels.declaring.declare` gives them.
    """
    refused = declaring.declare(session, vault, declaration_ids, at)
    for one, refusal in zip(declaration_ids, refused, strict=True):
        if refusal is not None:
            continue
        message = exchange.declaration(session, vault, [one], sender, at, direction)
        raw = exchange.unsigned(message)
        number = message.documents[0]["InventoryHead"]["copNo"]
        post_office.send(session, papers.KIND[direction], number, sign(raw) if sign is not None else raw)
    return refused


def take(session: Session, received: Received) -> None:
    """Take receipts and tax bills; one for a parcel whose own number has not come yet waits for it."""
    said = exchange.take(session, NO_KEYS, received.message)
    refusals = [one.refusal for one in said if one.refusal is not None]
    if not refusals or len(refusals) < len(said):
        return
    if isinstance(refusals[0], NotFound) and received.kind in (exchange.BILLS, exchange.BILL_STATUS):
        raise NotYet(what=str(refusals[0]))
    raise refusals[0]


def register() -> None:
    """Enter the handlers of parcels' receipts and bills at the post office."""
    post_office.HANDLERS.update(dict.fromkeys(KINDS, take))
