"""Account books against the goods: for the declarant who answers for differences and for customs, who reads it."""

from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import READERS, policy
from web.context import current_identity, unit_of_work
from web.pages.deeds import do_and_say
from wms.customs import differences, modes, reconciling, write_off_due, writing_off
from wms.customs.list_queries import book_by_no
from wms.errors import InvalidField, NotFound
from wms.parties.tables import Person, PersonRole

bp = Blueprint("books", __name__, url_prefix="/oversight/books")
SHOWN = 200
SETTLING = ("deed", "person", "due_on", "document", "reason")
SETTLES, RECONCILES = frozenset({"declarant", "supervisor"}), frozenset({"declarant", "supervisor", "customs_officer"})


@bp.get("")
@policy(*READERS, firms=True)
def index() -> str:
    """Every account book with how many of its lines differ, and the differences that wait."""
    with unit_of_work() as session:
        states = reconciling.reconcile(session)
        waiting = differences.listed(session)
        people = _answerable(session)
        today = modes.beijing_day(datetime.now(UTC))
        due = {one.book_no: one for one in write_off_due.due(session, today)}
    books: dict[str, list[reconciling.LineState]] = {}
    for state in states:
        books.setdefault(state.book_no, []).append(state)
    return render_template(
        "books/index.html", books=books, waiting=waiting, today=today, due=due, people=people,
        may_settle=_may(SETTLES), may_reconcile=_may(RECONCILES),
    )  # fmt: skip


@bp.get("/<book_no>")
@policy(*READERS, firms=True, subject="account_book")
def book(book_no: str) -> str:
    """The lines of a book; ``differs=1`` shows only those where book and goods are apart."""
    only = request.args.get("differs") == "1"
    after = request.args.get("after", "0")
    first = int(after) if after.isdecimal() and len(after) < 10 else 0
    with unit_of_work() as session:
        found = book_by_no(session, book_no)
        if found is None:
            raise NotFound(what=book_no)
        states = reconciling.reconcile(session, book_no)
        settled = [
            (one.write_off_no, one.from_on, one.until_on, one.state) for one in writing_off.listed(session, found.id)
        ]
    rows = [one for one in states if one.line_no > first and (one.differs or not only)]
    return render_template(
        "books/book.html", book_no=book_no, rows=rows[:SHOWN], only=only, settled=settled,
        more=rows[SHOWN - 1].line_no if len(rows) > SHOWN else None, total=len(states),
        differing=sum(one.differs for one in states), may_settle=_may(SETTLES), may_reconcile=_may(RECONCILES),
    )  # fmt: skip


@bp.get("/<book_no>/<int:line_no>")
@policy(*READERS, firms=True, subject="account_book_line")
def line(book_no: str, line_no: int) -> str:
    """One line: where its goods are, which documents moved it, and what explains a difference."""
    with unit_of_work() as session:
        found = reconciling.explain(session, book_no, line_no)
    if found is None:
        raise NotFound(what=f"{book_no} / {line_no}")
    return render_template("books/line.html", found=found, state=found.state)


@bp.post("/<book_no>/reconciliations")
@policy(*sorted(RECONCILES), subject="account_book")
def reconcile(book_no: str) -> AnyResponse:
    """Note what differs now: each difference gets somebody who answers for it and a day."""

    def act(session: Session) -> dict[str, Any]:
        _known(session, book_no)
        return {"open": len(differences.note(session, datetime.now(UTC), book_no))}

    body = do_and_say({"book": book_no}, act)
    if body is not None and body["open"]:
        flash(_("%(n)s lines differ: each has somebody who answers for it, and a day.", n=body["open"]), "warn")
    elif body is not None:
        flash(_("Book and goods agree."), "ok")
    return redirect(url_for("books.index"))


@bp.post("/differences/<int:difference_id>")
@policy(*sorted(SETTLES), subject="book_difference")
def settle(difference_id: int) -> AnyResponse:
    """Give a difference to a person until a day, or explain it by its document (``deed`` says which)."""
    form = {name: request.form.get(name, "").strip()[:500] for name in SETTLING}

    def act(session: Session) -> dict[str, Any]:
        if form["deed"] == "explain":
            differences.explain(session, difference_id, form["document"], form["reason"])
        else:
            differences.assign(session, difference_id, _person(session, form["person"]), _day(form["due_on"]))
        return {}

    if do_and_say({"difference": difference_id} | form, act) is not None:
        flash(_("Done."), "ok")
    return redirect(url_for("books.index"))


@bp.post("/<book_no>/write-offs")
@policy(*sorted(SETTLES), subject="account_book")
def write_off(book_no: str) -> AnyResponse:
    """Draw up the write-off of a period."""
    form = {name: request.form.get(name, "").strip()[:20] for name in ("from_on", "until_on")}

    def act(session: Session) -> dict[str, Any]:
        made = writing_off.draw_up(
            session, book_no, _day(form["from_on"], "from_on"), _day(form["until_on"], "until_on"), datetime.now(UTC)
        )
        return {"number": made.write_off_no}

    body = do_and_say({"book": book_no} | form, act)
    if body is None:
        return redirect(url_for("books.book", book_no=book_no))
    return redirect(url_for("books.write_off_report", number=body["number"]))


@bp.get("/write-offs/<number>")
@policy(*READERS, firms=True, subject="write_off")
def write_off_report(number: str) -> str:
    """The report of a write-off: what each line held, what moved it by document, what explains a difference."""
    with unit_of_work() as session:
        found = writing_off.by_no(session, number)
        told = writing_off.plain(found)
        return render_template("books/write_off.html", found=found, report=told["report"], digest=told["report_hash"])


def _known(session: Session, book_no: str) -> None:
    if book_by_no(session, book_no) is None:
        raise NotFound(what=book_no)


def _answerable(session: Session) -> list[Person]:
    query = select(Person).join(PersonRole, PersonRole.person_id == Person.id).where(PersonRole.role.in_(SETTLES))
    return list(session.scalars(query.order_by(Person.id).distinct()))


def _person(session: Session, given: str) -> int:
    found = session.get(Person, int(given)) if given.isdecimal() and len(given) < 19 else None
    if found is None:
        raise InvalidField(field="person", name=_("Answers for it"), rule=_("choose a person"))
    return found.id


def _day(given: str, field: str = "due_on") -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InvalidField(field=field, name=_("Day"), rule=_("must be a day like 2026-11-30")) from None


def _may(roles: frozenset[str]) -> bool:
    who = current_identity()
    return who is not None and who.sees_all and bool(roles & who.roles)
