"""Labels of units, places, items and parcels: as ZPL for a label printer, or as PDF."""

from datetime import date
from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import Response
from flask_babel import gettext as _
from pydantic import ConfigDict, Field

from web.api.schemas import LARGEST, Body, Query
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.paper import making
from web.paper.labels import Parcel, parcel_label
from web.paper.layout import Label
from web.paper.pdf import pdf
from web.paper.zpl import zpl

bp = APIBlueprint("api_labels", __name__, url_prefix="/api/v1/labels", tag="Paper")
ZPL = "application/zpl"
Line = Annotated[str, Field(max_length=60)]


class LabelQuery(Query):
    """``format`` of the label, ``dots`` per millimetre of the printer (8: 203 dpi, 12: 300 dpi), number of copies."""

    format: Literal["pdf", "zpl"] = "pdf"
    dots: Literal["6", "8", "12", "24"] = "8"
    copies: int = Field(default=1, ge=1, le=99)


class PlacesQuery(LabelQuery):
    """Places of a site from one code to another, in one zone where it is named."""

    site_id: int = Field(ge=1, le=LARGEST)
    since: str = Field(default="", max_length=30)
    until: str = Field(default="\uffff", max_length=30)
    zone: str | None = Field(default=None, max_length=30)


class ItemQuery(LabelQuery):
    """What the label of a piece says beside its GTIN."""

    lot_no: str | None = Field(default=None, pattern=r"^[!-~]{1,20}$")
    expires_on: date | None = None
    serial: str | None = Field(default=None, pattern=r"^[!-~]{1,20}$")


class ParcelIn(Body):
    """A parcel: address lines of sender and receiver, the order's number, weight in grams, its place in the set."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "sscc": "369012340000000437", "sender": ["Yueyang Bonded Warehouse", "Yueyang"],
                "receiver": ["Zhang San 13800000000", "1 Lushan Road, Changsha", "410000"], "order_no": "SO00000012",
                "gross_weight_g": 1234, "number": 1, "of": 2,
            }
        }
    )  # fmt: skip

    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")]
    sender: Annotated[list[Line], Field(min_length=1, max_length=4)]
    receiver: Annotated[list[Line], Field(min_length=1, max_length=6)]
    order_no: Annotated[str, Field(pattern=r"^[!-~]{1,30}$")]
    gross_weight_g: Annotated[int, Field(strict=True, ge=1, le=LARGEST)] | None = None
    number: Annotated[int, Field(strict=True, ge=1, le=999)] = 1
    of: Annotated[int, Field(strict=True, ge=1, le=999)] = 1


def labelled(labels: list[Label], query: LabelQuery, name: str) -> Response:
    """Return labels in the form that was asked for."""
    if query.format == "zpl":
        return _file(zpl(labels, dots_per_mm=int(query.dots)), ZPL, f"{name}.zpl")
    return _file(pdf(labels, title=name), "application/pdf", f"{name}.pdf")


def _file(content: bytes, mimetype: str, name: str) -> Response:
    return Response(content, mimetype=mimetype, headers={"Content-Disposition": f'inline; filename="{name}"'})


@bp.get("/units/<number>")
@policy(*READERS, firms=True, subject="tracked")
@bp.input(LabelQuery, location="query", arg_name="query")
def unit(number: str, query: LabelQuery) -> Response:
    """Give the GS1 logistic label of a pallet or carton, with what stands on it now."""
    with unit_of_work() as session:
        label = making.unit_label(session, number, query.copies)
    return labelled([label], query, f"sscc-{number[:18]}")


@bp.get("/locations/<int:location_id>")
@policy(*READERS)
@bp.input(LabelQuery, location="query", arg_name="query")
def location(location_id: int, query: LabelQuery) -> Response:
    """Give the label of a place."""
    with unit_of_work() as session:
        label = making.place_label(session, location_id, query.copies)
    return labelled([label], query, f"location-{location_id}")


@bp.get("/locations")
@policy(*READERS)
@bp.input(PlacesQuery, location="query", arg_name="query")
def locations(query: PlacesQuery) -> Response:
    """Give the labels of many places of a site, at most 500, in walking order."""
    with unit_of_work() as session:
        found = making.place_labels(session, query.site_id, query.since, query.until, query.zone, query.copies)
    return labelled(found, query, f"locations-{query.site_id}")


@bp.get("/items/<int:item_id>")
@policy(*READERS, firms=True, subject="trade_item")
@bp.input(ItemQuery, location="query", arg_name="query")
def item(item_id: int, query: ItemQuery) -> Response:
    """Give the label of a piece or carton with a GS1 DataMatrix of GTIN, expiry, lot and serial."""
    with unit_of_work() as session:
        label = making.trade_item_label(session, item_id, query.lot_no, query.expires_on, query.serial, query.copies)
    return labelled([label], query, f"item-{item_id}")


@bp.get("/parcels/<sscc>")
@policy(*READERS, firms=True, subject="parcel")
@bp.input(LabelQuery, location="query", arg_name="query")
def packed_parcel(sscc: str, query: LabelQuery) -> Response:
    """Give the label of a parcel that was packed here."""
    with unit_of_work() as session:
        facts = making.parcel(session, sscc)
    return labelled([parcel_label(facts, parcel_words(), copies=query.copies)], query, f"parcel-{sscc[:18]}")


@bp.post("/parcels")
@policy("clerk", "supervisor", "planner")
@bp.input(LabelQuery, location="query", arg_name="query")
@bp.input(ParcelIn, arg_name="body")
def parcel(query: LabelQuery, body: ParcelIn) -> Response:
    """Give the label of a parcel whose facts are sent. Nothing is stored, so no key is needed."""
    facts = Parcel(
        body.sscc, tuple(body.sender), tuple(body.receiver), body.order_no, body.gross_weight_g, body.number, body.of
    )
    return labelled([parcel_label(facts, parcel_words(), copies=query.copies)], query, f"parcel-{body.sscc}")


def parcel_words() -> dict[str, str]:
    """Return the titles on a parcel's label in the request's language."""
    return {
        "from": _("From"), "to": _("To"), "order": _("Order"), "parcel": _("Parcel"), "weight": _("Weight"),
    }  # fmt: skip
