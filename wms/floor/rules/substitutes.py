"""Substitutes: what an owner accepts instead of goods that are short, and who may say so. Pure."""

from wms.errors import N_, Kind, WmsError


class NotASubstitute(WmsError):
    """The owner has not said that the one may stand for the other."""

    code = "not_a_substitute"
    text = N_("The owner does not accept %(substitute)s instead of %(item)s.")


class NothingToSubstitute(WmsError):
    """The line is not short by that much."""

    code = "nothing_to_substitute"
    kind = Kind.CONFLICT
    text = N_("Line %(line_no)s is short by %(short)s, not by %(wanted)s.")


class BadSubstitute(WmsError):
    """The rule contradicts itself, or names goods of two owners."""

    code = "bad_substitute"
    kind = Kind.INVALID
    text = N_("%(substitute)s cannot stand for %(item)s: %(fault)s.")


class SubstitutionDecided(WmsError):
    """Somebody was first."""

    code = "substitution_decided"
    kind = Kind.CONFLICT
    text = N_("This substitution was %(state)s already.")


class OwnSubstitution(WmsError):
    """Who asked may not approve (dual control)."""

    code = "own_substitution"
    text = N_("You asked for this substitution yourself; a second person must approve it.")
