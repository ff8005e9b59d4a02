"""Meat from abroad without a database: which papers a batch needs, and the refusals (customs reference, 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from wms.errors import N_, Kind, NotFound, WmsError


class UnknownPermit(NotFound):
    code = "unknown_import_permit"
    text = N_("There is no import permit %(number)s.")


class PermitExists(WmsError):
    code = "import_permit_exists"
    kind = Kind.CONFLICT
    text = N_("Import permit %(number)s is on file already.")


class BadPermit(WmsError):
    code = "bad_import_permit"
    kind = Kind.INVALID
    text = N_("The import permit is not complete: %(rule)s")


class UnknownBatch(NotFound):
    code = "unknown_meat_batch"
    text = N_("There is no batch of meat %(number)s.")


class BatchExists(WmsError):
    code = "meat_batch_exists"
    kind = Kind.CONFLICT
    text = N_("The papers of lot %(lot)s on list %(list_no)s were entered already as %(number)s.")


class NotOnInwardList(WmsError):
    code = "not_on_inward_list"
    kind = Kind.INVALID
    text = N_("List %(list_no)s does not bring %(item)s into the zone.")


class NotControlled(WmsError):
    code = "not_controlled_meat"
    kind = Kind.INVALID
    text = N_("%(item)s (%(hs_code)s) is no meat that needs these papers.")


class PermitForOtherGoods(WmsError):
    code = "permit_for_other_goods"
    text = N_("Import permit %(number)s is not for this batch: %(rule)s")


class PermitNotValid(WmsError):
    code = "import_permit_not_valid"
    text = N_("Import permit %(number)s holds from %(from_on)s to %(until_on)s, not on %(on)s.")


class OverPermit(WmsError):
    code = "over_import_permit"
    text = N_("Import permit %(number)s has %(left_g)s g of its quota left, the batch weighs %(wanted_g)s g.")


class PlantNotRegistered(WmsError):
    code = "plant_not_registered"
    text = N_("Plant %(plant)s is not registered for import from country %(country)s on %(on)s.")


class CertificateTooLate(WmsError):
    code = "certificate_in_future"
    kind = Kind.INVALID
    text = N_("The health certificate cannot be of %(certificate_on)s, a day that is to come.")


class BatchInState(WmsError):
    code = "meat_batch_in_state"
    kind = Kind.CONFLICT
    text = N_("Batch %(number)s is %(state)s; this needs one that is %(wanted)s.")


class NoteMissing(WmsError):
    code = "inspection_note_missing"
    kind = Kind.INVALID
    text = N_("An inspection that fails says why.")


class HeldForPapers(WmsError):
    """Meat stays on hold until customs' certificate is entered, whoever would lift the hold by hand."""

    code = "held_for_papers"
    text = N_("These goods are on hold until the inspection certificate of customs is entered for lot %(lot)s.")


STATE_WORDS: dict[str, str] = {
    "announced": N_("waiting for inspection"),
    "inspected": N_("inspected"),
    "certified": N_("certified"),
    "rejected": N_("rejected"),
    "void": N_("void"),
}


@dataclass(frozen=True)
class NewPermit:
    """A permit as it was issued: weight in grams, both days inclusive."""

    permit_no: str
    owner_id: int
    trade_item_id: int
    country: str
    quota_g: int
    valid_from_on: date
    valid_until_on: date


@dataclass(frozen=True)
class NewBatch:
    """The papers of one lot on an inward list; ``weight_g`` is its net weight by the health certificate."""

    list_no: str
    trade_item_id: int
    permit_no: str
    plant_no: str
    health_certificate_no: str
    health_certificate_on: date
    weight_g: int
    lot_no: str | None = None


@dataclass(frozen=True)
class PermitFacts:
    """A permit as its rules see it."""

    number: str
    owner_id: int
    trade_item_id: int
    country: str
    valid_from_on: date
    valid_until_on: date
    is_void: bool


def check_permit(new: NewPermit) -> None:
    """Raise BadPermit naming the first rule that is broken."""
    rules = [
        (new.quota_g <= 0, N_("its quota must be above zero")),
        (new.valid_until_on < new.valid_from_on, N_("it must end after it begins")),
    ]
    rule = next((words for broken, words in rules if broken), None)
    if rule is not None:
        raise BadPermit(rule=rule)


def check_use(permit: PermitFacts, owner_id: int, trade_item_id: int, on: date) -> None:
    """Raise what forbids to use a permit for goods on a day. Raises PermitForOtherGoods, PermitNotValid."""
    rules = [
        (permit.is_void, N_("it is void")),
        (permit.owner_id != owner_id, N_("it is of another owner")),
        (permit.trade_item_id != trade_item_id, N_("it is for other goods")),
    ]
    rule = next((words for broken, words in rules if broken), None)
    if rule is not None:
        raise PermitForOtherGoods(field="permit_no", number=permit.number, rule=rule)
    if not permit.valid_from_on <= on <= permit.valid_until_on:
        raise PermitNotValid(
            field="permit_no", number=permit.number, from_on=permit.valid_from_on.isoformat(),
            until_on=permit.valid_until_on.isoformat(), on=on.isoformat(),
        )  # fmt: skip


def check_plant(plant_no: str, said: Mapping[str, Any], country: str, on: date) -> None:
    """Raise PlantNotRegistered unless the plant is open on the day and lies in the permit's country."""
    if not said["is_open"] or said["country"] != country:
        raise PlantNotRegistered(field="plant_no", plant=plant_no, country=country, on=on.isoformat())


def is_controlled(hs_code: str | None, headings: Sequence[str]) -> bool:
    """Whether goods of this code need the papers of meat: its first digits stand on the list."""
    return hs_code is not None and any(hs_code.startswith(heading) for heading in headings)


HOLD_WORD = "meat "  # begins the document of every such hold


def hold_document(list_no: str, lot_no: str | None) -> str:
    """Return under which words goods of a lot on a list are held until their certificate is entered."""
    return f"{HOLD_WORD}{list_no} {lot_no or '-'}"
