"""What customs' documents share: directions, states and the quantity as customs wrote it (names of INV101, SAS121)."""

from sqlalchemy import Numeric

DIRECTIONS = ("I", "E")
LIST_STATES = ("draft", "declared", "pre_deducted", "booked", "written_off", "returned", "deleted")
PASS_TYPES = ("1", "2", "3", "4", "5", "6")
BIND_TYPES = ("1", "2", "3")
PASS_STATES = ("draft", "applied", "approved", "passed_first", "passed", "deleted", "void")
DOCUMENT_KINDS = ("1", "2", "3")
CHANGE_KINDS = ("2", "3")  # dclTypecd: change, delete
CHANGE_STATES = ("requested", "approved", "refused")
FILING_KINDS = ("A", "B", "C", "D", "E", "F", "G", "H")  # 业务类型
FILING_STATES = ("declared", "approved", "ended", "refused")
FILING_ROLES = ("goods", "material", "product")
SLIP_STATES = ("applied", "approved", "passed", "collected", "returned", "void")
DIFFERENCE_STATES = ("open", "explained", "closed")
WRITE_OFF_STATES = ("drawn_up", "declared", "accepted", "refused")
REGISTERED_CLASSES = ("construction", "office", "labour_protection", "living", "other")
AsWritten = Numeric(19, 5)  # a quantity as customs wrote it; the ledger counts integers of the base unit
