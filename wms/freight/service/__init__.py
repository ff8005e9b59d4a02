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
    set_priority,
    take_allotment,
    write_milestone,
)
from wms.freight.service.rebooking import give_back, ready_later, rebook, reopen, withdraw

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
    "ready_later",
    "rebook",
    "reopen",
    "set_priority",
    "take_allotment",
    "withdraw",
    "write_milestone",
]
