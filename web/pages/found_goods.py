"""The register of goods that nobody can name: note them with a picture, decide, sign that they were destroyed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.idempotency import request_key
from web.api.lookups import id_of, place_of
from web.auth.policy import READERS, policy
from web.context import current_identity, unit_of_work
from web.pages.deeds import do_and_say
from wms.errors import Forbidden, InvalidField, NotFound
from wms.floor import found_queries as queries
from wms.floor.rules.found import MOST_PHOTO_BYTES, UnknownFound
from wms.floor.rules.list_receipt import ListLine
from wms.floor.service import finding as service
from wms.floor.tables.found import FOUND_STATES
from wms.parties.tables import Company, Site

bp = Blueprint("found_goods", __name__, url_prefix="/desk/found-goods")
SHOWN = 50
FIELDS = (
    "deed", "site", "place", "description", "pieces", "note", "dock", "owner", "item", "qty", "lot_no", "notice",
    "handed_to", "document", "method", "reason",
)  # fmt: skip
DECIDERS = frozenset({"supervisor"})
WITNESSES = frozenset({"supervisor", "clerk", "customs_officer"})


@bp.url_value_preprocessor
def widen(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Let a picture be as large as it may."""
    request.max_content_length = MOST_PHOTO_BYTES + 100_000


@bp.get("")
@policy(*READERS)
def show() -> str:
    """What was found and waits for a decision, and what became of the rest."""
    kept = {name: request.args[name][:80] for name in ("site", "state") if request.args.get(name)}
    with unit_of_work() as session:
        rows = queries.found_goods(session, site=kept.get("site"), state=kept.get("state"), limit=500)
        sites = session.scalars(select(Site).order_by(Site.code)).all()
    waiting = [row for row in rows if row.state in ("open", "to_destroy")]
    ended = [row for row in rows if row not in waiting]
    return render_template(
        "desk/found_goods.html", rows=(waiting + ended[::-1])[:SHOWN], sites=sites, kept=kept, states=FOUND_STATES
    )


@bp.get("/<number>")
@policy(*READERS, subject="found_goods")
def one(number: str) -> str:
    """Found goods with their pictures and what may be decided."""
    with unit_of_work() as session:
        rows = queries.found_goods(session, number=number)
    if not rows:
        raise UnknownFound(number=number)
    return render_template("desk/found_one.html", row=rows[0])


@bp.post("")
@policy("clerk", "supervisor")
def new() -> AnyResponse:
    """Note what was found, with a picture where one was taken."""
    given = _given()
    picture = _picture()

    def act(session: Session) -> dict[str, Any]:
        site_id = id_of(session, Site, given["site"])
        command = service.Note(
            site_id, place_of(session, site_id, given["place"]).id, _text(given, "description"),
            _whole(given["pieces"], "pieces"), datetime.now(UTC), given["note"],
        )  # fmt: skip
        made = service.note(session, command)
        if picture:
            service.add_photo(session, made.found_no, picture)
        return {"found_no": made.found_no}

    return _done(given, act, url_for("found_goods.show"))


@bp.post("/<number>")
@policy("clerk", "supervisor", "customs_officer", subject="found_goods")
def decide(number: str) -> AnyResponse:
    """Do to found goods what ``deed`` says: photo, receive, give-back, destroy, witness."""
    given, picture, key, now = _given(), _picture(), request_key(), datetime.now(UTC)
    who = current_identity()
    roles = who.roles if who else frozenset()
    allowed = WITNESSES if given["deed"] in ("photo", "witness") else DECIDERS
    if not allowed & roles:
        raise Forbidden

    def act(session: Session) -> dict[str, Any]:
        deeds: dict[str, Callable[[], object]] = {
            "photo": lambda: service.add_photo(session, number, picture),
            "receive": lambda: service.receive(session, number, _receipt(session, given, key, now), _why(given)),
            "give-back": lambda: service.give_back(
                session, number, _text(given, "handed_to"), given["document"] or None, _why(given), now
            ),
            "destroy": lambda: service.order_destruction(
                session, number, _text(given, "method"), given["document"] or None, _why(given), now
            ),
            "witness": lambda: service.witness(session, number, now),
        }
        if given["deed"] not in deeds:
            raise NotFound(field="deed", what=given["deed"])
        deeds[given["deed"]]()
        return {"found_no": number}

    return _done({**given, "number": number}, act, url_for("found_goods.one", number=number))


def _receipt(session: Session, given: dict[str, str], key: str, now: datetime) -> service.Receipt:
    line = ListLine(_text(given, "item"), _whole(given["qty"], "qty"), given["lot_no"] or None)
    owner_id = id_of(session, Company, _text(given, "owner"))
    return service.Receipt(key, _text(given, "dock"), line, now, given["notice"] or None, owner_id)


def _given() -> dict[str, str]:
    return {name: request.form.get(name, "").strip()[:400] for name in FIELDS}


def _picture() -> bytes:
    sent = request.files.get("photo")
    return sent.stream.read(MOST_PHOTO_BYTES + 1) if sent is not None and sent.filename else b""


def _whole(given: str, name: str) -> int:
    if not (given.isascii() and given.isdecimal() and 0 < int(given[:16] or "0") <= 10**9):
        raise InvalidField(field=name, name=_("Quantity"), rule=_("must be a whole number above zero"))
    return int(given)


def _text(given: dict[str, str], name: str) -> str:
    if not given[name]:
        raise InvalidField(field=name, name=name, rule=_("must be given"))
    return given[name]


def _why(given: dict[str, str]) -> str:
    if len(given["reason"]) < 3:
        raise InvalidField(field="reason", name=_("Reason"), rule=_("must be given"))
    return given["reason"]


def _done(content: dict[str, Any], act: Callable[[Session], dict[str, Any]], back: str) -> AnyResponse:
    body = do_and_say(content, act, _("Done."))
    return redirect(back if body is None else url_for("found_goods.one", number=body["found_no"]))
