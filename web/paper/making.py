"""From rows of the books to labels and papers, in the reader's language."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import format_datetime, get_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.i18n import named
from web.paper import gs1
from web.paper.labels import Content, Parcel, Unit, item_label, location_label, sscc_label
from web.paper.layout import Label
from web.paper.sheets import Barcode, Column, Sheet
from web.words import word
from wms.catalog import queries as catalog
from wms.codes import gs1_keys
from wms.errors import N_, Kind, NotFound, WmsError
from wms.floor import packing_queries, pick_queries
from wms.floor import paper_queries as queries
from wms.floor.paper_queries import Contained, UnitHead
from wms.floor.tables import OutboundOrder
from wms.parties.tables import Company, Location, Site

MOST_LABELS = 500


class NoGtin(WmsError):
    """A GS1 label needs a GTIN."""

    code = "no_gtin"
    kind = Kind.INVALID
    text = N_("%(item)s has no GTIN, so there is no GS1 label of it.")


class TooManyLabels(WmsError):
    """More labels than anybody means at once."""

    code = "too_many_labels"
    kind = Kind.INVALID
    text = N_("That would be more than %(most)s labels; name fewer places.")


def _name(row: Any, before: str = "name") -> str:
    zh, en = getattr(row, f"{before}_zh"), getattr(row, f"{before}_en")
    return str((zh if str(get_locale()) == "zh" else en) or en or zh or "")


def unit_label(session: Session, sscc: str, copies: int) -> Label:
    """Return the logistic label of a unit with what stands on it now. Raises NotFound."""
    head = _head(session, sscc)
    goods = queries.contents(session, head.sscc)
    lines = (
        (_("From"), _name(head, "site") if head.site_zh else "–"),
        (_("Owner of goods"), _name(head, "owner")),
    )
    words = {
        "sscc": _("Unit"), "content": _("Content"), "count": _("Count"), "use_by": _("Use by"), "batch": _("Lot"),
    }  # fmt: skip
    content = _content(session, goods)
    note = _("mixed: %(n)s items", n=len({one.trade_item_id for one in goods})) if goods and content is None else ""
    return sscc_label(Unit(head.sscc, lines, content, note), words, copies=copies)


def _head(session: Session, sscc: str) -> UnitHead:
    found = queries.unit_head(session, sscc)
    if found is None:
        raise NotFound(what=sscc[:60])
    return found


def _content(session: Session, goods: Sequence[Contained]) -> Content | None:
    """Return the one item and lot that a unit holds; None for a mixed unit, an empty one, or goods without a GTIN."""
    if len({(one.trade_item_id, one.lot_no) for one in goods}) != 1:
        return None
    whole = goods[0] if len(goods) == 1 else Contained(**vars(goods[0]) | {"qty": sum(one.qty for one in goods)})
    described = queries.trade_items_of(session, whole)
    if described is None:
        return None
    return Content(_name(whole), described[0], described[1], whole.lot_no, whole.expires_on)


def place_labels(session: Session, site_id: int, since: str, until: str, zone: str | None, copies: int) -> list[Label]:
    """Return the labels of a site's places from code ``since`` to ``until``. Raises NotFound, TooManyLabels."""
    site = session.get(Site, site_id)
    if site is None:
        raise NotFound(what=f"site {site_id}")
    query = select(Location).where(Location.site_id == site_id, Location.code >= since, Location.code <= until)
    if zone:
        query = query.where(Location.zone == zone)
    found = list(session.scalars(query.order_by(Location.pick_sequence, Location.code).limit(MOST_LABELS + 1)))
    if len(found) > MOST_LABELS:
        raise TooManyLabels(most=MOST_LABELS)
    if not found:
        raise NotFound(what=f"{since}–{until}" if since != until else since)
    return [_place(place, site, copies) for place in found]


def place_label(session: Session, location_id: int, copies: int) -> Label:
    """Return the label of one place. Raises NotFound."""
    place = session.get(Location, location_id)
    if place is None:
        raise NotFound(what=f"location {location_id}")
    return _place(place, session.get_one(Site, place.site_id), copies)


def _place(place: Location, site: Site, copies: int) -> Label:
    notes = [word("temperature", place.temperature_class), _("bonded") if place.is_bonded else ""]
    return location_label(
        place.code, f"{site.code} {named(site)}", " · ".join(one for one in notes if one), copies=copies
    )


def trade_item_label(
    session: Session, item_id: int, lot_no: str | None, expires_on: Any, serial: str | None, copies: int
) -> Label:
    """Return the label of a piece with its GS1 DataMatrix. Raises NotFound, NoGtin."""
    item = catalog.item(session, item_id)
    if item is None:
        raise NotFound(what=f"item {item_id}")
    if item.gtin is None or not gs1_keys.is_gtin(item.gtin):
        raise NoGtin(item=item.code)
    elements = [("01", gs1_keys.gtin14(item.gtin))]
    lines = []
    if expires_on:
        elements.append(("17", f"{expires_on:%y%m%d}"))
        lines.append(f"{_('Use by')} {expires_on.isoformat()}")
    if lot_no:
        elements.append(("10", lot_no))
        lines.append(f"{_('Lot')} {lot_no}")
    if serial:
        elements.append(("21", serial))
        lines.append(f"{_('Serial number')} {serial}")
    lines.append(word("temperature", item.temperature_class))
    return item_label(_name(item), item.code, tuple(elements), tuple(lines), copies=copies)


def parcel(session: Session, sscc: str) -> Parcel:
    """Return what the label of a packed parcel says. Raises NotFound."""
    row = packing_queries.parcel_by_sscc(session, sscc)
    if row is None:
        raise NotFound(what=sscc[:60])
    order = session.get(OutboundOrder, row.order_id) if row.order_id else None
    of_order = packing_queries.parcels(session, order_no=order.order_no, limit=500) if order else ()
    places = [one.sscc for one in of_order if one.state != "void"]
    site, owner = session.get_one(Site, row.site_id), session.get_one(Company, row.owner_id)
    receiver = (order.consignee_name, order.consignee_region, row.carrier) if order else (row.carrier,)
    return Parcel(
        sscc, (named(site), named(owner)), tuple(one for one in receiver if one) or ("–",),
        order.order_no if order else row.waybill_no or sscc, row.weight_g,
        places.index(sscc) + 1 if sscc in places else 1, max(1, len(places)),
    )  # fmt: skip


def pick_list(session: Session, list_no: str) -> Sheet:
    """Return a pick list in walking order, with a barcode of each place. Raises NotFound."""
    head = pick_queries.list_by_no(session, list_no)
    if head is None:
        raise NotFound(what=list_no[:60])
    lines = [line for line in pick_queries.list_lines(session, head.id) if line.state != "void"]
    way_mm = head.route_mm
    facts = [
        (_("Site"), head.site_code),
        (_("Wave"), head.wave_no or "–"),
        (_("Bring to"), head.to_place),
        (_("Lines"), str(len(lines))),
        (_("Way"), f"{way_mm // 1000} m" if way_mm is not None else "–"),
        (_("Picker"), (head.person_zh if str(get_locale()) == "zh" else head.person_en) or "–"),
    ]
    columns = [
        Column("#", 4), Column(_("Place"), 24), Column(_("Item"), 14), Column(_("Name"), 24), Column(_("Lot"), 12),
        Column(_("Slot"), 6), Column(_("Quantity"), 12, is_number=True), Column(_("Picked"), 10),
    ]  # fmt: skip
    rows: list[list[str | Barcode]] = []
    last = None
    for number, line in enumerate(lines, 1):
        place: str | Barcode = Barcode(line.place, data=line.place) if line.place != last else ""
        last = line.place
        rows.append([str(number), place, line.item_code, _name(line), line.lot_no or "", str(line.slot),
                     f"{line.qty} {word('unit', line.base_unit)}", ""])  # fmt: skip
    return Sheet(_("Pick list"), Barcode(head.list_no, data=head.list_no), facts, columns, rows)


def packing_list(session: Session, sscc: str) -> Sheet:
    """Return what stands on a unit, box by box. Raises NotFound."""
    head = _head(session, sscc)
    goods = queries.contents(session, head.sscc)
    weight_g = sum(one.gross_weight_g for one in goods)
    facts = [
        (_("Owner of goods"), _name(head, "owner")),
        (_("Kind"), word("unit_kind", head.kind)),
        (_("Site"), _name(head, "site") if head.site_zh else "–"),
        (_("Place"), head.place or "–"),
        (_("Lines"), str(len(goods))),
        (_("Gross weight of the goods"), f"{weight_g // 1000}.{weight_g % 1000:03d} kg"),
    ]
    columns = [
        Column(_("Unit"), 24), Column(_("Item"), 16), Column(_("Name"), 34), Column(_("Lot"), 14),
        Column(_("Use by"), 12), Column(_("Quantity"), 14, is_number=True),
    ]  # fmt: skip
    rows = [
        [one.sscc, one.item_code, _name(one), one.lot_no or "", str(one.expires_on or ""),
         f"{one.qty} {word('unit', one.base_unit)}"]
        for one in goods
    ]  # fmt: skip
    number = Barcode(gs1.readable((("00", head.sscc),)), elements=(("00", head.sscc),))
    return Sheet(
        _("Packing list"), number, facts, columns, rows, (_("Packed by: __________   Checked by: __________"),)
    )


def count_sheet(session: Session, site_id: int, since: str, until: str, zone: str | None, *, is_blind: bool) -> Sheet:
    """Return places of a site to count, in walking order. Blind: what the books say is not on it. Raises NotFound."""
    site = session.get(Site, site_id)
    if site is None:
        raise NotFound(what=f"site {site_id}")
    places = queries.count_places(session, site_id, since=since, until=until, zone=zone)
    if not places:
        raise NotFound(what=f"{since}–{until}")
    columns = [
        Column(_("Place"), 24),
        Column(_("Item"), 15),
        Column(_("Name"), 22),
        Column(_("Lot"), 12),
        Column(_("Pallet"), 24),
        *([] if is_blind else [Column(_("In the books"), 16, is_number=True)]),
        Column(_("Counted"), 14),
    ]  # fmt: skip
    rows: list[list[str | Barcode]] = []
    last = None
    for one in places:
        shown: str | Barcode = Barcode(one.place, data=one.place) if one.place != last else ""
        last = one.place
        name = _name(one) if one.item_code else _("empty")
        books = [] if is_blind else [str(one.qty) if one.qty is not None else "0"]
        rows.append([shown, one.item_code or "", name, one.lot_no or "", one.sscc or "", *books, ""])
    facts = [(_("Site"), f"{site.code} {named(site)}"), (_("Lines"), str(len(places)))]
    number = Barcode(f"{site.code} {places[0].place}", data=f"{site.code} {places[0].place}")
    return Sheet(_("Count sheet"), number, facts, columns, rows, (_("Counted by: __________   At: __________"),))


def local_time(at: datetime) -> datetime:
    """Return an instant as the installation's clock shows it, for the foot of a page."""
    return datetime.fromisoformat(format_datetime(at, "yyyy-MM-dd'T'HH:mm:ss"))
