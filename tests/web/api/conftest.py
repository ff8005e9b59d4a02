"""A resource made for the tests: one body, one list, and every way in which a view can fail."""

from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from apiflask import APIBlueprint, APIFlask
from flask import Response
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from web.api import idempotency
from web.api.paging import page_of
from web.api.schemas import Body, Code, Count, Instant, Page
from web.app import create_app
from web.auth.policy import ROLES, policy
from web.context import unit_of_work
from wms.db import Database
from wms.errors import Kind, WmsError
from wms.parties import service
from wms.settings import Settings


class OutOfReeds(WmsError):
    code = "out_of_reeds"
    kind = Kind.REFUSED
    text = "There are only %(left)s reeds left."


class Line(Body):
    gtin: Code
    qty: Count


class Probe(Body):
    code: Code
    at: Instant | None = None
    lines: Annotated[tuple[Line, ...], Field(max_length=3)] = ()


def probe_blueprint() -> APIBlueprint:
    bp = APIBlueprint("probe", __name__, url_prefix="/api/v1/probe", enable_openapi=False)

    @bp.post("")
    @policy(*ROLES, firms=True)
    @bp.input(Probe)
    def add(json_data: Probe) -> Response:
        """Enter a company named by the code; 'NONE' is refused by a rule."""

        def act(session: Session) -> Mapping[str, Any]:
            new = service.NewCompany(json_data.code, "公司", "Company")
            company_id = service.add_company(session, new)
            if json_data.code == "NONE":
                raise OutOfReeds(field="code", left=3)
            return {"company_id": company_id}

        return idempotency.write(act, json_data.model_dump(mode="json"), status=201)

    @bp.get("/rows")
    @policy(*ROLES, firms=True)
    @bp.input(Page, location="query")
    def rows(query_data: Page) -> Response:
        there = [{"id": n} for n in range(query_data.after + 1, 8)][: query_data.limit + 1]
        return page_of(there, after=query_data.after, limit=query_data.limit)

    @bp.get("/crash")
    @policy(*ROLES, firms=True)
    def crash() -> str:
        raise RuntimeError("a secret that nobody outside may read")

    @bp.get("/large")
    @policy(*ROLES, firms=True)
    def large() -> str:
        with unit_of_work() as session:
            session.execute(text("SELECT 99999999999999999999::bigint"))
        return ""

    @bp.get("/slow")
    @policy(*ROLES, firms=True)
    def slow() -> str:
        with unit_of_work() as session:
            session.execute(text("SET LOCAL statement_timeout = 1"))
            session.execute(text("SELECT pg_sleep(1)"))
        return ""

    @bp.get("/few")
    @policy(*ROLES, firms=True, per_minute=2)
    def few() -> str:
        return ""

    return bp


@pytest.fixture
def app(web_settings: Settings, database: Database) -> APIFlask:
    made = create_app(web_settings, database)
    made.register_blueprint(probe_blueprint())
    return made
