"""Use cases of freight: consignments here, transfers between sites beside them."""

from wms.freight.service.carrying import loading_of
from wms.freight.service.consignments import (
    Booking,
    Leg,
    amend,
    announce,
    announce_many,
    book,
    cancel,
    lock_all,
    take_allotment,
    write_milestone,
)
from wms.freight.service.rebooking import give_back, rebook, withdraw

__all__ = [
    "Booking",
    "Leg",
    "amend",
    "announce",
    "announce_many",
    "book",
    "cancel",
    "give_back",
    "loading_of",
    "lock_all",
    "rebook",
    "take_allotment",
    "withdraw",
    "write_milestone",
]
