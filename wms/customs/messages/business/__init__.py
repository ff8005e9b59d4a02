"""Rules of the trade beyond the schema (customs' notes to the messages). Pure; dated by the document."""

from wms.customs.messages.business.checks import find

__all__ = ["find"]
