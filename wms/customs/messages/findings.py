"""What is wrong with a message: the rule that is broken, the field, and a text in the reader's language."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Finding:
    """One mistake. ``field`` is a path such as ``Order[1]/OrderList[2]/totalPrice``; ``text`` an English msgid.

    Rules that begin with SCH are the schema's: with one of them the message is not valid.
    """

    rule: str
    field: str
    text: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def is_schema(self) -> bool:
        return self.rule.startswith("SCH")

    @property
    def english(self) -> str:
        return self.text % self.values if self.values else self.text
