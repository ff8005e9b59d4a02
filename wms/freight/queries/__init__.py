"""Reads of freight: consignments here, transfers and what follows from them beside them."""

from wms.freight.queries.consignments import (
    FORWARDER,
    BookingRow,
    ConsignmentRow,
    MilestoneRow,
    allotment_taken,
    begun,
    booking,
    bookings,
    consignment,
    consignments,
    consignments_of,
    count_open,
    first_in_line,
    milestones,
    pieces,
    taken_by,
)

__all__ = [
    "FORWARDER",
    "BookingRow",
    "ConsignmentRow",
    "MilestoneRow",
    "allotment_taken",
    "begun",
    "booking",
    "bookings",
    "consignment",
    "consignments",
    "consignments_of",
    "count_open",
    "first_in_line",
    "milestones",
    "pieces",
    "taken_by",
]
