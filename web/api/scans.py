"""Scans: one at a time, or a device's queue in order. Each is applied once; a repeat gets the first answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import structlog
from apiflask import APIBlueprint
from flask import Response, jsonify
from flask_babel import gettext as _
from pydantic import ConfigDict, Field, ValidationError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from web.api.problems import document, problem_body, unreadable
from web.api.schemas import Body, Instant
from web.api.wrong_fields import wrong_fields
from web.auth.guard import confirm, unconfirmed
from web.auth.policy import policy
from web.context import current_scope, database
from web.i18n import request_locale, said
from wms.errors import N_, Unavailable, WmsError
from wms.floor.rules.answers import Expect
from wms.floor.service.scanning import Taken, TakeScan, take_scan

bp = APIBlueprint("api_scans", __name__, url_prefix="/api/v1", tag="Floor")
log = structlog.get_logger("web")

MOST_IN_A_BATCH = 50

EXPECTED = {
    Expect.NOTICE: N_("notice number"),
    Expect.DOCK: N_("dock"),
    Expect.GOODS: N_("goods"),
    Expect.PLACE: N_("place"),
    Expect.CONFIRM: N_("CONFIRM"),
    Expect.REASON: N_("REASON"),
    Expect.TASK: N_("task or document"),
    Expect.TOTE: N_("tote or carton"),
    Expect.VEHICLE: N_("vehicle"),
    Expect.CHUTE: N_("chute"),
    Expect.QTY: N_("QTY"),
    Expect.WEIGHT: N_("weight in grams"),
    Expect.WORD: N_("NEST, TAKEOUT, SPLIT or MERGE"),
}


class ScanIn(Body):
    """A scan as the device kept it. ``code`` is what the reader sent, with FNC1 as GS (0x1D) or a stand-in for it."""

    model_config = ConfigDict(
        str_strip_whitespace=False,
        json_schema_extra={
            "example": {
                "key": "9f1c2d7e-1",
                "device": "handheld-7",
                "boot": "b3",
                "seq": 41,
                "code": "]C100369012340000000420",
                "symbology": None,
                "occurred_at": "2026-06-01T09:30:00+08:00",
                "job": "receive",
                "notice": "ASN-2026-0001",
                "site": None,
                "document": None,
            }
        },
    )
    key: Annotated[str, Field(min_length=8, max_length=255)]
    device: Annotated[str, Field(min_length=1, max_length=100)]
    boot: Annotated[str, Field(min_length=1, max_length=100)]
    seq: Annotated[int, Field(strict=True, ge=0, lt=2**53)]
    code: Annotated[str, Field(max_length=500)]
    symbology: Annotated[str, Field(pattern=r"^\][A-Za-z][0-9A-Za-z]$")] | None = None
    occurred_at: Instant
    job: Annotated[str, Field(max_length=20)] = "receive"
    notice: Annotated[str, Field(max_length=80)] | None = None
    site: Annotated[str, Field(max_length=80)] | None = None
    document: Annotated[str, Field(max_length=80)] | None = None

    def as_command(self) -> TakeScan:
        """Return the scan as the floor takes it."""
        return TakeScan(
            self.key,
            self.device,
            self.boot,
            self.seq,
            self.code,
            self.occurred_at,
            self.job,
            self.symbology,
            self.notice or None,
            self.site or None,
            self.document or None,
        )


class ScanBatch(Body):
    """A device's queue, oldest first. Items are checked one by one: a bad one does not hold up the others."""

    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_IN_A_BATCH)]


@bp.post("/scans")
@policy("clerk", "supervisor", "device", confirms=True)
@bp.input(ScanIn, arg_name="body")
def scan(body: ScanIn) -> Response:
    """Take one scan and answer what was understood, what is expected next and what to say to the clerk.

    A mistake of the clerk is an answer with ``outcome`` "stop" and status 200: it is kept, and a repeat gets it again.
    """
    return jsonify(_told(_take(body)))


@bp.post("/scans/batch")
@policy("clerk", "supervisor", "device")
@bp.input(ScanBatch, arg_name="body")
def scans(body: ScanBatch) -> Response:
    """Take up to fifty scans in order; each gets a result of its own.

    When the system fails on one of them (503, or 500 for a fault of ours), all later ones come back with status 503,
    untouched: the order of a device's scans is kept, and the same batch may be sent again.
    """
    results: list[dict[str, Any]] = []
    for item in body.items:
        if results and results[-1]["status"] >= 500:
            results.append(_not_now(item.get("key")))
        else:
            results.append(_one(item))
    return jsonify({"results": results})


def _one(item: Mapping[str, Any]) -> dict[str, Any]:
    key = item.get("key")
    try:
        return {"key": key, "status": 200, "answer": _told(_take(ScanIn.model_validate(item)))}
    except ValidationError as error:
        errors = wrong_fields(error)
        problem = document(422, "invalid_field", errors[0]["detail"], errors[0]["field"], errors=errors)
        return {"key": key, "status": 422, "problem": problem}
    except WmsError as refusal:
        problem = problem_body(refusal)
        return {"key": key, "status": problem["status"], "problem": problem}
    except DataError as error:  # a number beyond 64 bits: it will never be taken, so it must not hold up the others
        log.info("scan_unreadable", key=str(key), error=str(error.orig))
        return {"key": key, "status": 422, "problem": unreadable()}
    except (OperationalError, PoolTimeout) as error:
        log.warning("scan_not_taken", key=str(key), error=str(error))
        return _not_now(key)
    except Exception as error:
        # One scan that we cannot bear must not take the answers of the others with it.
        log.error("scan_failed", key=str(key), exc_info=error)
        problem = document(500, "internal_error", _("Something failed on our side."))
        return {"key": key, "status": 500, "problem": problem}


def _not_now(key: object) -> dict[str, Any]:
    return {"key": key, "status": 503, "problem": problem_body(Unavailable())}


def _take(body: ScanIn) -> Taken:
    def work(session: Session) -> Taken:
        confirm(session)
        return take_scan(session, body.as_command(), datetime.now(UTC))

    return database().run(current_scope(), work, first=unconfirmed())


def _told(taken: Taken) -> dict[str, Any]:
    """Return an answer in the caller's language."""
    answer, locale = taken.answer, request_locale()
    values = spoken(answer.values, locale)
    return {
        "scan_id": taken.scan_id,
        "replayed": taken.replayed,
        "outcome": answer.outcome.value,
        "code": answer.code,
        "message": said(locale, answer.text, values),
        "way_out": said(locale, answer.way_out, values) if answer.way_out else None,
        "expects": [{"code": one.value, "name": said(locale, EXPECTED[one], {})} for one in answer.expects],
        "understood": spoken(answer.understood, locale),
        "context": dict(answer.context),
        "progress": _progress(answer.progress, locale) if answer.progress else None,
        "is_undoable": answer.is_undoable,
    }


def _progress(progress: Mapping[str, Any], locale: str) -> dict[str, Any]:
    return {**progress, "lines": [spoken(line, locale) for line in progress["lines"]]}


def spoken(values: Mapping[str, Any], locale: str | None = None) -> dict[str, Any]:
    """Return values with each name in two languages replaced by the one of the request (``locale``, where known)."""
    locale = locale or request_locale()
    return {name: value[locale] if isinstance(value, dict) else value for name, value in values.items()}
