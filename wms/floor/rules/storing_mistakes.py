"""Mistakes of putting goods where other goods lie that may not share a place with them."""

from wms.errors import N_
from wms.floor.rules.mistakes import ScanMistake


class ItemsNotMixed(ScanMistake):
    code = "items_not_mixed"
    text = N_("%(place)s takes one item at a time, and another one lies there, not %(item)s.")
    way_out = N_("Scan the suggested place or an empty one.")


class LotsNotMixed(ScanMistake):
    code = "lots_not_mixed"
    text = N_("%(place)s takes one lot at a time, and another lot than this of %(item)s lies there.")
    way_out = N_("Scan the suggested place or an empty one.")


class OwnersNotMixed(ScanMistake):
    code = "owners_not_mixed"
    text = N_("%(place)s takes goods of one owner, and another's lie there, not the owner's of %(item)s.")
    way_out = N_("Scan the suggested place or an empty one.")
