"""Messages of customs: the CEB set and the bonded set, read, written and checked by our own description of them.

``read(bytes)`` gives a :class:`Message` or raises why not; ``write(Message)`` gives canonical XML; ``check(bytes)``
says what is wrong with a message, by the schema and by the rules of the trade.
"""

from wms.customs.messages.checking import Report, check
from wms.customs.messages.findings import Finding
from wms.customs.messages.message import Extension, Message, head_of, lines_of
from wms.customs.messages.reading import Unreadable
from wms.customs.messages.shape import NotSchemaValid, read
from wms.customs.messages.writing import CannotBeWritten, write

__all__ = [
    "CannotBeWritten",
    "Extension",
    "Finding",
    "Message",
    "NotSchemaValid",
    "Report",
    "Unreadable",
    "check",
    "head_of",
    "lines_of",
    "read",
    "write",
]
