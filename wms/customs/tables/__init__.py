"""Customs documents: one module for each family; this door re-exports their names.

Quantities that customs wrote are kept as written, numeric(19,5); ledger quantities are integers of the base unit.
"""

from wms.customs.tables.accounting import BookDifference, VerificationChange, WriteOff
from wms.customs.tables.books import AccountBook, VerificationLine, VerificationList
from wms.customs.tables.filings import BusinessFiling, BusinessFilingLine, MovementSlip, MovementSlipLine
from wms.customs.tables.handovers import DisplaySale, PickUp
from wms.customs.tables.inspections import (
    InspectionDraw,
    InspectionLane,
    InspectionOrder,
    InspectionPicture,
    InspectionStep,
    ParcelInspection,
)
from wms.customs.tables.kinds import (
    BIND_TYPES,
    DIRECTIONS,
    DOCUMENT_KINDS,
    LIST_STATES,
    PASS_STATES,
    PASS_TYPES,
    AsWritten,
)
from wms.customs.tables.meat import ImportPermit, MeatBatch
from wms.customs.tables.messages import CustomsMessage, CustomsNumber
from wms.customs.tables.passes import GatePass, GatePassDocument, GatePassGoods, GatePassLine, GatePassRegistered
from wms.customs.tables.transits import CustomsTransit

__all__ = [
    "BIND_TYPES",
    "DIRECTIONS",
    "DOCUMENT_KINDS",
    "LIST_STATES",
    "PASS_STATES",
    "PASS_TYPES",
    "AccountBook",
    "AsWritten",
    "BookDifference",
    "BusinessFiling",
    "BusinessFilingLine",
    "CustomsMessage",
    "CustomsNumber",
    "CustomsTransit",
    "DisplaySale",
    "GatePass",
    "GatePassDocument",
    "GatePassGoods",
    "GatePassLine",
    "GatePassRegistered",
    "ImportPermit",
    "InspectionDraw",
    "InspectionLane",
    "InspectionOrder",
    "InspectionPicture",
    "InspectionStep",
    "MeatBatch",
    "MovementSlip",
    "MovementSlipLine",
    "ParcelInspection",
    "PickUp",
    "VerificationChange",
    "VerificationLine",
    "VerificationList",
    "WriteOff",
]
