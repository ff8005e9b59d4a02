"""The correspondence with customs about parcels: declarations out as CEB621 and CEB603, receipts and tax bills in."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from wms.customs.messages import post_office
from wms.customs.parcels import declaring, exchange, papers
from wms.customs.parcels.exchange import Sender
from wms.errors import WmsError
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


def register() -> None:
    """Enter the handlers of receipts and bills where no keys are at hand: these name no person."""
    exchange.register(lambda: NO_KEYS, KINDS)
