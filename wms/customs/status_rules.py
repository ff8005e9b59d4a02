"""Changing the customs status of goods: what document makes it true. Without one it is refused, in words."""

from dataclasses import dataclass

from wms.errors import N_, WmsError


class StatusNeedsDocument(WmsError):
    code = "status_needs_document"
    text = N_("Goods become %(to)s from %(source)s only with a document of customs: name its number.")


class StatusDocumentUnknown(WmsError):
    code = "status_document_unknown"
    text = N_("There is no document %(document)s of this owner that lets goods become %(to)s.")


class StatusDocumentNotReleased(WmsError):
    code = "status_document_not_released"
    text = N_("Document %(document)s is %(state)s: customs has not released it yet.")


class StatusChangesAtGate(WmsError):
    """A released list lets goods out; they change status when they pass the gate, not on the shelf."""

    code = "status_changes_at_gate"
    text = N_("Goods of %(document)s become free when they pass the gate on its pass, not on the shelf.")


class EntersByList(WmsError):
    code = "enters_by_list"
    text = N_("Goods become bonded by coming in under a verification list, and in no other way.")


class StatusStays(WmsError):
    code = "status_stays"
    text = N_("The goods are %(to)s already.")


@dataclass(frozen=True)
class StatusDocument:
    """A verification list as the change sees it; ``state`` in words."""

    number: str
    direction: str
    state: str
    is_released: bool
    freed_at: str = "gate"  # where the document's trade mode ends customs' supervision: gate or shelf


def check_change(source: str, to: str, document_no: str | None, document: StatusDocument | None) -> None:
    """Raise why goods of customs status ``source`` may not become ``to``.

    Free goods may become goods for export, and back, by their export declaration. Bonded goods become free by a
    released list: on the shelf where its trade mode says so (second-line goods), else at the gate (parcels of 1210,
    whose pick-up before the release is refused; 财关税〔2018〕49号). Nothing becomes bonded on the shelf.
    """
    if source == to:
        raise StatusStays(to=to)
    if to == "bonded":
        raise EntersByList
    if not document_no:
        raise StatusNeedsDocument(field="document", source=source, to=to)
    if source != "bonded":
        return
    if document is None or document.direction != "E":
        raise StatusDocumentUnknown(field="document", document=document_no, to=to)
    if not document.is_released:
        raise StatusDocumentNotReleased(field="document", document=document_no, state=document.state)
    if to != "free" or document.freed_at != "shelf":
        raise StatusChangesAtGate(field="document", document=document_no)
