"""UN/LOCODE: five characters for a place of trade, and the names and outdated codes people write instead."""

import csv
import io
import re
from functools import cache
from importlib import resources

_SHAPE = re.compile(r"[A-Z]{2}[A-Z2-9]{3}")


def has_shape(text: str) -> bool:
    """Whether the text has the shape of a UN/LOCODE (recommendation 16: the digits 0 and 1 are not used)."""
    return _SHAPE.fullmatch(text) is not None


@cache
def aliases(*, by_air: bool = False) -> dict[str, str]:
    """Return the alias table: what is written, in capitals, to the code that UN/LOCODE 2025-1 lists.

    A few codes that shippers still write for a port (CNSHA) are listed as the city's airport today, so they are no
    aliases for air traffic.
    """
    text = resources.files("wms.codes").joinpath("data/unlocode_alias.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return {row["alias"].upper(): row["code"] for row in rows if not (by_air and row["is_airport"] == "1")}


def resolve(text: str, *, by_air: bool = False) -> str | None:
    """Return the listed code for a code, an outdated code or a name; None when it is neither alias nor shaped so."""
    tidy = text.strip().upper()
    compact = tidy.replace(" ", "")
    table = aliases(by_air=by_air)
    found = table.get(tidy) or table.get(compact)
    if found:
        return found
    return compact if has_shape(compact) else None
