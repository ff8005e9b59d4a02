"""Quarantine and destruction: who may decide, who may witness, and what customs wants for bonded goods."""

from wms.errors import N_, Kind, WmsError


class NothingToTake(WmsError):
    code = "nothing_to_take"
    kind = Kind.CONFLICT
    text = N_("Line %(line_no)s: only %(left)s of %(item)s lie free in %(place)s, not %(wanted)s.")


class UnknownQuarantine(WmsError):
    code = "unknown_quarantine"
    kind = Kind.NOT_FOUND
    text = N_("There is no quarantine %(number)s.")


class QuarantineDecided(WmsError):
    code = "quarantine_decided"
    kind = Kind.CONFLICT
    text = N_("%(number)s was decided by %(person)s at %(at)s.")


class PutterMayNotRelease(WmsError):
    code = "putter_may_not_release"
    kind = Kind.FORBIDDEN
    text = N_("Whoever put %(number)s into quarantine may not decide on it; another person must.")


class NotAQuarantinePlace(WmsError):
    code = "not_a_quarantine_place"
    kind = Kind.INVALID
    text = N_("%(place)s is no quarantine place.")


class UnknownDestruction(WmsError):
    code = "unknown_destruction"
    kind = Kind.NOT_FOUND
    text = N_("There is no destruction %(number)s.")


class DestructionState(WmsError):
    code = "destruction_state"
    kind = Kind.CONFLICT
    text = N_("The destruction %(number)s is %(state)s; that comes too early or too late.")


class NeedsCustomsDocument(WmsError):
    code = "needs_customs_document"
    text = N_("%(item)s is bonded: it is destroyed only under a customs document. Name its number.")


class RequesterMayNotDo(WmsError):
    code = "requester_may_not_do"
    kind = Kind.FORBIDDEN
    text = N_("Whoever asked for %(number)s may neither approve nor witness it.")


class WitnessTwice(WmsError):
    code = "witness_twice"
    kind = Kind.CONFLICT
    text = N_("You have witnessed %(number)s already; the second witness is another person.")


class EnoughWitnesses(WmsError):
    code = "enough_witnesses"
    kind = Kind.CONFLICT
    text = N_("%(number)s has its two witnesses already.")


class WitnessesMissing(WmsError):
    code = "witnesses_missing"
    text = N_("%(number)s needs two witnesses before it is carried out; %(count)s have signed.")


class WitnessNeedsName(WmsError):
    code = "witness_needs_name"
    kind = Kind.FORBIDDEN
    text = N_("A witness signs with a name of their own.")


def check_witness(number: str, person_id: int, requested_by: int | None, one: int | None, two: int | None) -> None:
    """Raise what forbids a person to witness. Raises RequesterMayNotDo, WitnessTwice, EnoughWitnesses."""
    if person_id == requested_by:
        raise RequesterMayNotDo(number=number)
    if person_id in {one, two}:
        raise WitnessTwice(number=number)
    if one is not None and two is not None:
        raise EnoughWitnesses(number=number)
