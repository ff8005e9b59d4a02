"""What customs' documents share: directions, states and the quantity as customs wrote it (names of INV101, SAS121)."""

from sqlalchemy import Numeric

DIRECTIONS = ("I", "E")
LIST_STATES = ("draft", "declared", "pre_deducted", "booked", "written_off", "returned", "deleted")
PASS_TYPES = ("1", "2", "3", "4", "5", "6")
BIND_TYPES = ("1", "2", "3")
PASS_STATES = ("draft", "applied", "approved", "passed_first", "passed", "deleted", "void")
DOCUMENT_KINDS = ("1", "2", "3")
AsWritten = Numeric(19, 5)  # a quantity as customs wrote it; the ledger counts integers of the base unit
