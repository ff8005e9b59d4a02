"""Tables of freight: consignments with their transport, and transfers between sites."""

from wms.freight.tables import hand_over, supply, transfers
from wms.freight.tables.consignments import (
    AllotmentUse,
    Consignment,
    ConsignmentPiece,
    Milestone,
    TransportBooking,
    TransportLeg,
)

__all__ = [
    "AllotmentUse",
    "Consignment",
    "ConsignmentPiece",
    "Milestone",
    "TransportBooking",
    "TransportLeg",
    "hand_over",
    "supply",
    "transfers",
]
