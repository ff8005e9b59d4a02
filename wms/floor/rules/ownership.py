"""Goods that go from one owner to another."""

from wms.errors import N_, Kind, WmsError


class AgreementMissing(WmsError):
    """An owner's goods are given away only with that owner's word, and to nobody without theirs."""

    code = "agreement_missing"
    kind = Kind.INVALID
    text = N_("The %(party)s's agreement is missing: name the document in which it stands.")


class SameOwner(WmsError):
    code = "same_owner"
    kind = Kind.INVALID
    text = N_("The goods belong to this owner already.")


class BondedKeepsOwner(WmsError):
    """Each owner's bonded goods stand in that owner's account book."""

    code = "bonded_keeps_owner"
    text = N_(
        "Bonded goods stand in their owner's account book: they go to another owner by a verification list of both,"
        " which customs has released, and not by our own agreement."
    )


class TakerHasNoItem(WmsError):
    code = "taker_has_no_item"
    kind = Kind.INVALID
    text = N_("%(owner)s has no item %(item)s of the same kind: file it first, or name the item's code there.")


PARTIES = {"giver": N_("giver"), "taker": N_("taker")}


def check_agreement(owner_id: int, to_owner_id: int, giver: str | None, taker: str | None) -> None:
    """Raise SameOwner or AgreementMissing."""
    if owner_id == to_owner_id:
        raise SameOwner(field="to_owner")
    for party, given in (("giver", giver), ("taker", taker)):
        if not given or not given.strip():
            raise AgreementMissing(field=f"{party}_agreement", party=PARTIES[party])
