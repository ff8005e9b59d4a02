"""What explains the ledger on the floor: documents, scans and tasks. Stock itself is counted in the ledger alone."""

from wms.floor.tables.receiving import (
    DIFFERENCE_KINDS,
    NOTICE_STATES,
    PUT_AWAY_STATES,
    AdvanceNotice,
    Difference,
    NoticeLine,
    PutAway,
    PutAwayTask,
    ReceiptLine,
)
from wms.floor.tables.scans import JOBS, OUTCOMES, Scan, ScanContext
from wms.floor.tables.tasks import TASK_KINDS, TASK_STATES, Task

__all__ = [
    "DIFFERENCE_KINDS",
    "JOBS",
    "NOTICE_STATES",
    "OUTCOMES",
    "PUT_AWAY_STATES",
    "TASK_KINDS",
    "TASK_STATES",
    "AdvanceNotice",
    "Difference",
    "NoticeLine",
    "PutAway",
    "PutAwayTask",
    "ReceiptLine",
    "Scan",
    "ScanContext",
    "Task",
]
