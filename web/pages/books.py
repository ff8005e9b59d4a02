"""Account books against the goods: for the declarant who answers for differences and for customs, who reads it."""

from datetime import UTC, datetime

from flask import Blueprint, render_template, request

from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.customs import differences, modes, reconciling, writing_off
from wms.customs.list_queries import book_by_no
from wms.errors import NotFound

bp = Blueprint("books", __name__, url_prefix="/oversight/books")
SHOWN = 200


@bp.get("")
@policy(*READERS, firms=True)
def index() -> str:
    """Every account book with how many of its lines differ, and the differences that wait."""
    with unit_of_work() as session:
        states = reconciling.reconcile(session)
        waiting = differences.listed(session)
    books: dict[str, list[reconciling.LineState]] = {}
    for state in states:
        books.setdefault(state.book_no, []).append(state)
    return render_template("books/index.html", books=books, waiting=waiting, today=modes.beijing_day(datetime.now(UTC)))


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
        differing=sum(one.differs for one in states),
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
