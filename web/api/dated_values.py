"""Rates, limits, tolerances and lists that hold from a day on: what holds, what held, and entering the next."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import AfterValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.schemas import Body, Query
from web.auth.policy import PEOPLE, policy
from web.context import unit_of_work
from wms.parties import dated

bp = APIBlueprint("api_dated_values", __name__, url_prefix="/api/v1/dated-values", tag="Parties")


def _exact(value: JsonValue) -> JsonValue:
    """Refuse numbers with a decimal point, which no machine keeps as they are written."""
    if isinstance(value, float):
        raise PydanticCustomError("fraction", "must hold no number with a decimal point")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _exact(part)
    return value


class DatedValueIn(Body):
    """A value from a day on. ``subject`` narrows it; ``source`` is the notice, standard or contract behind it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "ledger.future_limit_s",
                "subject": "",
                "value": 120,
                "valid_from_on": "2027-01-01",
                "source": "clock audit of December 2026",
            }
        }
    )
    name: Annotated[str, Field(min_length=1, max_length=80)]
    subject: Annotated[str, Field(max_length=120)] = ""
    value: Annotated[JsonValue, AfterValidator(_exact)]
    valid_from_on: date
    source: Annotated[str, Field(min_length=1, max_length=400)]


class DatedQuery(Query):
    """Which values: names that begin so."""

    name: Annotated[str, Field(max_length=80)] = ""


@bp.get("")
@policy(*PEOPLE, firms=True)
@bp.input(DatedQuery, location="query", arg_name="query")
def dated_values(query: DatedQuery) -> Response:
    """List every value by name, subject and day, those that come with the product marked as shipped."""
    with unit_of_work() as session:
        return jsonify([asdict(row) for row in dated.values(session, query.name)])


@bp.post("")
@policy("supervisor")
@bp.input(DatedValueIn, arg_name="body")
def new_dated_value(body: DatedValueIn) -> Response:
    """Enter a value. What held before stays on record: documents of that time are judged by it."""

    def act(session: Session) -> Mapping[str, Any]:
        dated.enter(
            session, body.name, body.value, valid_from_on=body.valid_from_on, source=body.source, subject=body.subject
        )
        return body.model_dump(mode="json")

    return write(act, body.model_dump(mode="json"), status=201)
