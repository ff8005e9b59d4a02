"""Meat from abroad: permits with their quota, the papers of each batch, inspection and certificate of customs."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.lookups import id_of, item_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count, Page, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.customs import list_queries, meat, meat_queries
from wms.customs.meat_rules import NewBatch, NewPermit
from wms.customs.tables import ImportPermit, MeatBatch, VerificationList
from wms.floor.service import meat as floor_meat
from wms.floor.service.units import Deed
from wms.parties.tables import Company

bp = APIBlueprint("api_meat", __name__, url_prefix="/api/v1", tag="Customs")
Country = Annotated[str, Field(pattern="^[0-9]{3}$")]


class ImportPermitIn(Body):
    """A permit of entry and quarantine: goods of one country (customs' three digits), by weight, for some days."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "permit_no": "AQ2026-0001",
                    "owner": "YMCOLD",
                    "item": "BEEF-01",
                    "country": "601",
                    "quota_g": 25000000,
                    "valid_from_on": "2026-11-01",
                    "valid_until_on": "2027-04-30",
                }
            ]
        }
    )

    permit_no: Code
    owner: Code
    item: Code
    country: Country
    quota_g: Count
    valid_from_on: date
    valid_until_on: date


class MeatBatchIn(Body):
    """The papers of one lot on an inward list; ``weight_g`` is its net weight by the health certificate."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "list_no": "QD490226I000000001",
                    "item": "BEEF-01",
                    "lot_no": "L2026-11",
                    "permit_no": "AQ2026-0001",
                    "plant_no": "AU-0648",
                    "health_certificate_no": "HC-77",
                    "health_certificate_on": "2026-10-20",
                    "weight_g": 18000000,
                }
            ]
        }
    )

    list_no: Code
    item: Code
    lot_no: Code | None = None
    permit_no: Code
    plant_no: Code
    health_certificate_no: Code
    health_certificate_on: date
    weight_g: Count


class MeatInspectionIn(Body):
    """What customs' inspection on the spot found; one that fails says why."""

    result: Literal["passed", "failed"] = Field(examples=["passed"])
    note: Text = ""


class MeatCertificateIn(Body):
    """The number of the certificate of inspection and quarantine that customs issued."""

    certificate_no: Code = Field(examples=["430026000123"])


class MeatVoidIn(Body):
    """Why the papers are withdrawn."""

    reason: Text = Field(examples=["ship was diverted"])


class MeatQuery(Page):
    """Which batches; ``waiting``: only those whose certificate is missing."""

    waiting: bool = False


@bp.post("/import-permits")
@policy("declarant")
@bp.input(ImportPermitIn, arg_name="body")
def new_permit(body: ImportPermitIn) -> Response:
    """Enter an import permit with its quota by weight."""

    def act(session: Session) -> Mapping[str, Any]:
        owner_id = id_of(session, Company, body.owner)
        new = NewPermit(
            body.permit_no, owner_id, item_of(session, owner_id, body.item).id, body.country, body.quota_g,
            body.valid_from_on, body.valid_until_on,
        )  # fmt: skip
        return _permit(meat.file_permit(session, new))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/import-permits")
@policy(*READERS, firms=True)
def permits() -> Response:
    """List the import permits, those that end first at the top, with what is left of each."""
    with unit_of_work() as session:
        rows = session.scalars(select(ImportPermit).order_by(ImportPermit.valid_until_on, ImportPermit.id)).all()
        shown = [_permit(row) for row in rows]
    return jsonify(shown)


@bp.post("/meat-batches")
@policy("declarant")
@bp.input(MeatBatchIn, arg_name="body")
def new_batch(body: MeatBatchIn) -> Response:
    """Enter the papers of a batch; its weight is taken from the permit's quota at once."""

    def act(session: Session) -> Mapping[str, Any]:
        listed = session.get_one(VerificationList, list_queries.list_id_of(session, body.list_no))
        new = NewBatch(
            body.list_no, item_of(session, listed.owner_id, body.item).id, body.permit_no, body.plant_no,
            body.health_certificate_no, body.health_certificate_on, body.weight_g, body.lot_no,
        )  # fmt: skip
        return _shown(session, meat.announce(session, new, datetime.now(UTC)))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/meat-batches")
@policy(*READERS, firms=True)
@bp.input(MeatQuery, location="query", arg_name="query")
def batches(query: MeatQuery) -> Response:
    """List batches of meat with their papers and how many base units wait for the certificate."""
    with unit_of_work() as session:
        found = meat_queries.batches(session, after=query.after, limit=query.limit + 1, waiting=query.waiting)
        rows = [as_json(row) for row in found]
    return page_of(rows, after=query.after, limit=query.limit)


@bp.get("/meat-batches/<number>")
@policy(*READERS, firms=True, subject="meat_batch")
def one_batch(number: str) -> Response:
    """Show a batch with its papers."""
    with unit_of_work() as session:
        return jsonify(_shown(session, meat.locked(session, number)))


@bp.post("/meat-batches/<number>/inspection")
@policy("customs_officer", "declarant", subject="meat_batch")
@bp.input(MeatInspectionIn, arg_name="body")
def inspection(number: str, body: MeatInspectionIn) -> Response:
    """Take the result of customs' inspection; what fails is blocked, to be destroyed or shipped back."""

    def act(session: Session) -> Mapping[str, Any]:
        passed = body.result == "passed"
        return _shown(session, floor_meat.inspect(session, number, body.note, _deed(number, body.note), passed=passed))

    return write(act, body.model_dump(mode="json"))


@bp.post("/meat-batches/<number>/certificate")
@policy("customs_officer", "declarant", subject="meat_batch")
@bp.input(MeatCertificateIn, arg_name="body")
def certificate(number: str, body: MeatCertificateIn) -> Response:
    """Enter customs' certificate: exactly this batch loses its hold; what is not booked yet waits for that alone."""

    def act(session: Session) -> Mapping[str, Any]:
        return _shown(session, floor_meat.certify(session, number, body.certificate_no, _deed(number)))

    return write(act, body.model_dump(mode="json"))


@bp.post("/meat-batches/<number>/void")
@policy("declarant", subject="meat_batch")
@bp.input(MeatVoidIn, arg_name="body")
def void(number: str, body: MeatVoidIn) -> Response:
    """Withdraw the papers of a batch that did not come: its weight goes back to the permit."""
    return write(lambda session: _shown(session, meat.void(session, number, body.reason)), body.model_dump(mode="json"))


def _deed(number: str, reason: str | None = None) -> Deed:
    return Deed(f"meat:{number}:{request_key()}", datetime.now(UTC), None, None, reason or None)


def _permit(row: ImportPermit) -> dict[str, Any]:
    names = ("permit_no", "country", "quota_g", "used_g", "valid_from_on", "valid_until_on", "state")
    return as_json({name: getattr(row, name) for name in names} | {"left_g": row.quota_g - row.used_g})


def _shown(session: Session, row: MeatBatch) -> dict[str, Any]:
    return as_json(meat_queries.one(session, row.id))
