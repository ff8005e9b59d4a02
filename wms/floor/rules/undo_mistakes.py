"""Why something cannot be undone any more, where the reason is known; the general one is MovedSince."""

from wms.errors import N_, Kind
from wms.floor.rules.mistakes import ScanMistake


class OnPickList(ScanMistake):
    code = "on_pick_list"
    kind = Kind.CONFLICT
    text = N_("This cannot be undone: %(item)s stands on pick list %(list)s for order %(order)s.")
    way_out = N_("Let it be picked, or have the wave called off first.")


class LotDecided(ScanMistake):
    code = "lot_decided"
    kind = Kind.CONFLICT
    text = N_("This cannot be undone: inspection %(inspection)s of %(item)s was decided by %(person)s at %(at)s.")
    way_out = N_("Tell the supervisor: what is wrong is corrected by a count.")


class HoldEnded(ScanMistake):
    code = "hold_ended"
    kind = Kind.CONFLICT
    text = N_("This cannot be undone: the hold for inspection of %(item)s was ended by %(person)s at %(at)s.")
    way_out = N_("Tell the supervisor: what is wrong is corrected by a count.")
