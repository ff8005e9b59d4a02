"""Pure decisions of freight, by what they decide on."""

from wms.freight.rules.consignments import (
    EVENTS,
    KINDS,
    MODES,
    STATES,
    ConsignmentExists,
    ConsignmentForm,
    ConsignmentNotOpen,
    InstantsOutOfOrder,
    NegativeAmount,
    Piece,
    PiecesExceedConsignment,
    UnknownConsignment,
    check_form,
    check_open,
)

__all__ = [
    "EVENTS",
    "KINDS",
    "MODES",
    "STATES",
    "ConsignmentExists",
    "ConsignmentForm",
    "ConsignmentNotOpen",
    "InstantsOutOfOrder",
    "NegativeAmount",
    "Piece",
    "PiecesExceedConsignment",
    "UnknownConsignment",
    "check_form",
    "check_open",
]
