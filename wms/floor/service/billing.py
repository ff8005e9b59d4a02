"""Billing: rate cards, drafts computed from the ledger, invoices that stand, credit notes, late corrections."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.floor import billing_queries as queries
from wms.floor.billing_queries import Span
from wms.floor.rules import billing as rules
from wms.floor.rules.billing import Line, Rate
from wms.floor.rules.snapshots import Snapshot
from wms.floor.tables.billing import Invoice, InvoiceLine, RateCard, RateRow, ServiceDone
from wms.parties import dated
from wms.parties.tables import Company
from wms.record.service import append_leaf

MOST_DAYS = 366
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('billing', app_tenant()))")
APP_PERSON = func.app_person()
# What is not over yet may still appear with an earlier time: the next invoice looks at all that this snapshot lacks.
KNOWN = text("SELECT clock_timestamp(), pg_current_snapshot()::text")
XACT = text("SELECT pg_current_xact_id()::text::bigint")


@dataclass(frozen=True)
class NewCard:
    """A rate card to enter; ids of its rates are given by the database."""

    owner_id: int
    valid_from_on: date
    currency: str
    minimum_minor: int
    source: str
    rates: tuple[Rate, ...]


@dataclass(frozen=True)
class NewService:
    """An extra service that was done."""

    owner_id: int
    site_id: int
    service: str
    times: int
    done_on: date
    note: str = ""


@dataclass(frozen=True)
class Part:
    """A line, and the invoice that it corrects where it does."""

    line: Line
    corrects_id: int | None = None


def add_card(session: Session, new: NewCard) -> int:
    """Enter a rate card; return its id. Raises BadRate, RateTwice, RateCardExists."""
    rules.check_rates(new.rates)
    columns = {name: value for name, value in vars(new).items() if name != "rates"}
    made: int | None = session.scalar(
        insert(RateCard).values(**columns).on_conflict_do_nothing().returning(RateCard.id)
    )
    if made is None:
        owner = session.get_one(Company, new.owner_id)
        raise rules.RateCardExists(field="valid_from_on", owner=owner.code, on=new.valid_from_on.isoformat())
    for rate in new.rates:
        session.add(RateRow(rate_card_id=made, **{name: value for name, value in vars(rate).items() if name != "id"}))
    session.flush()
    append_leaf(session, "rate_card", {"owner_id": new.owner_id, "source": new.source}, made)
    return made


def note_service(session: Session, new: NewService) -> int:
    """Write down an extra service. Raises UnknownRateCard; BadServiceLine when the card has no rate for it."""
    card = _card_on(session, new.owner_id, new.done_on)
    known = {rate.name for rate in _rates(session, card.id) if rate.service == "extra"}
    if new.service not in known:
        raise rules.BadServiceLine(field="service", service=new.service)
    done = ServiceDone(**vars(new), person_id=session.scalar(select(APP_PERSON)))
    session.add(done)
    session.flush()
    return done.id


def _card_on(session: Session, owner_id: int, on: date) -> RateCard:
    found = session.scalars(
        select(RateCard)
        .where(RateCard.owner_id == owner_id, RateCard.valid_from_on <= on)
        .order_by(RateCard.valid_from_on.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        owner = session.get_one(Company, owner_id)
        raise rules.UnknownRateCard(owner=owner.code, on=on.isoformat())
    return found


def _rates(session: Session, card_id: int) -> list[Rate]:
    rows = session.scalars(select(RateRow).where(RateRow.rate_card_id == card_id).order_by(RateRow.id))
    return [
        Rate(row.id, row.service, row.name, row.unit, row.price_milli, row.temperature_class, row.site_id,
             row.free_days)
        for row in rows
    ]  # fmt: skip


def compute(session: Session, owner_id: int, since: date, until: date, known_at: datetime) -> tuple[list[Line], str]:
    """Return the lines of a period as the ledger was known at ``known_at``, and the currency.

    A card that begins inside the period holds from its day on. Raises UnknownRateCard.
    """
    lines: list[Line] = []
    start, card = since, _card_on(session, owner_id, since)
    while start <= until:
        follower = session.scalar(
            select(func.min(RateCard.valid_from_on)).where(
                RateCard.owner_id == owner_id, RateCard.valid_from_on > start, RateCard.valid_from_on <= until
            )
        )
        end = follower - timedelta(days=1) if follower else until
        card = _card_on(session, owner_id, start)
        lines += _segment(session, Span(owner_id, start, end, known_at), _rates(session, card.id))
        start = end + timedelta(days=1)
    lifted = rules.minimum(lines, card.minimum_minor)
    return lines + ([lifted] if lifted else []), card.currency


def _segment(session: Session, span: Span, rates: Sequence[Rate]) -> list[Line]:
    free = max((rate.free_days for rate in rates), default=0)
    found = rules.storage(rates, queries.goods_days(session, span, free), queries.pallet_days(session, span))
    found += rules.handling(rates, queries.touches(session, span))
    return found + rules.extras(rates, queries.extras(session, span))


def draft(session: Session, owner_id: int, since: date, until: date, now: datetime) -> int:
    """Compute a draft for an owner's days from ``since`` to ``until``; return its id. Doing it again replaces it.

    Late postings of periods that were issued before come in as correction lines.
    Raises BadPeriodOfInvoice, PeriodNotOver, PeriodBilled, UnknownRateCard.
    """
    if not 0 <= (until - since).days < MOST_DAYS:
        raise rules.BadPeriodOfInvoice(field="until", since=since.isoformat(), until=until.isoformat(), most=MOST_DAYS)
    if until >= _today(session, now):
        raise rules.PeriodNotOver(field="until", until=until.isoformat())
    session.execute(LOCK)
    _refuse_billed(session, owner_id, since, until)
    known_at, known = session.execute(KNOWN).one()
    lines, currency = compute(session, owner_id, since, until, known_at)
    parts = [Part(line) for line in lines] + _corrections(session, owner_id, known_at)
    _drop_draft(session, owner_id, since, until)
    invoice = Invoice(
        owner_id=owner_id, since_on=since, until_on=until, currency=currency, known_at=known_at, known_snapshot=known,
        total_minor=sum(part.line.amount_minor for part in parts),
    )  # fmt: skip
    session.add(invoice)
    session.flush()
    _write_lines(session, invoice.id, parts)
    return invoice.id


def _today(session: Session, now: datetime) -> date:
    """Return the day by the clock of the house: a period is over when its last day is over there."""
    return now.astimezone(ZoneInfo(dated.house_zone(session, now.date()))).date()


def _refuse_billed(session: Session, owner_id: int, since: date, until: date) -> None:
    found = session.scalar(
        select(Invoice.invoice_no).where(
            Invoice.owner_id == owner_id, Invoice.kind == "invoice", Invoice.state == "issued",
            Invoice.since_on <= until, Invoice.until_on >= since,
        )
    )  # fmt: skip
    if found is not None:
        raise rules.PeriodBilled(field="since", invoice=found)


def _drop_draft(session: Session, owner_id: int, since: date, until: date) -> None:
    old = select(Invoice.id).where(
        Invoice.owner_id == owner_id, Invoice.state == "draft", Invoice.since_on == since, Invoice.until_on == until
    )
    ids = list(session.scalars(old))
    session.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id.in_(ids)))
    session.execute(delete(Invoice).where(Invoice.id.in_(ids)))


def _corrections(session: Session, owner_id: int, known_at: datetime) -> list[Part]:
    """Return what postings that came late change in periods that were issued before.

    Only periods that something reaches which became known since they were last looked at are computed anew.
    """
    parts = []
    for one in reached(session, owner_id):
        right, _ = compute(session, owner_id, one.since_on, one.until_on, known_at)
        late = rules.corrections(_billed(session, one.id), right)
        note = f"{one.invoice_no}"
        parts += [Part(Line(**vars(line) | {"note": note}), one.id) for line in late]
    return parts


def reached(session: Session, owner_id: int) -> list[Invoice]:
    """Return the issued invoices of an owner whose periods something may have changed since they were last computed.

    An invoice was last computed by itself, or by a later issued one that knew of it and looked for its corrections.
    """
    issued = list(
        session.scalars(
            select(Invoice)
            .where(Invoice.owner_id == owner_id, Invoice.kind == "invoice", Invoice.state == "issued")
            .order_by(Invoice.id)
        )
    )
    if not issued:
        return []
    latest = max(one.until_on for one in issued)
    earliest: dict[Snapshot, date | None] = {}
    found = []
    for one in issued:
        looked = [one, *(other for other in issued if _knew_of(other, one))]
        if one.known_snapshot is None:
            found.append(one)  # of a time when nobody noted what was known
            continue
        known = max(Snapshot.of(other.known_snapshot) for other in looked if other.known_snapshot is not None)
        if known not in earliest:
            earliest[known] = queries.earliest_change(session, owner_id, known, latest)
        first = earliest[known]
        if first is not None and first <= one.until_on:
            found.append(one)
    return found


def _knew_of(other: Invoice, one: Invoice) -> bool:
    """Whether ``one`` was issued for sure when ``other`` was computed."""
    if other.known_snapshot is None or one.issued_xid is None:
        return False
    return Snapshot.of(other.known_snapshot).saw(one.issued_xid)


def _billed(session: Session, invoice_id: int) -> list[Line]:
    """Return what was billed for an invoice's period so far: its own lines, and corrections in later ones."""
    rows = session.execute(
        select(InvoiceLine)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(
            Invoice.state == "issued",
            ((InvoiceLine.invoice_id == invoice_id) & InvoiceLine.corrects_id.is_(None))
            | (InvoiceLine.corrects_id == invoice_id),
        )
    ).scalars()
    return [_line_of(row) for row in rows]


def _line_of(row: InvoiceLine) -> Line:
    return Line(
        row.rate_id, row.service, row.name, row.unit, row.site_id, row.qty_milli, row.price_milli, row.amount_minor,
        row.note,
    )  # fmt: skip


def _write_lines(session: Session, invoice_id: int, parts: Sequence[Part]) -> None:
    for number, part in enumerate(parts, 1):
        session.add(InvoiceLine(invoice_id=invoice_id, line_no=number, corrects_id=part.corrects_id, **vars(part.line)))
    session.flush()


def issue(session: Session, invoice_id: int, now: datetime) -> str:
    """Give a draft its number; from then on it stands. Raises UnknownInvoice, InvoiceNotDraft, PeriodBilled."""
    session.execute(LOCK)
    invoice = _locked(session, invoice_id)
    if invoice.state != "draft":
        raise rules.InvoiceNotDraft(invoice=invoice.invoice_no or invoice.id, state=invoice.state)
    _refuse_billed(session, invoice.owner_id, invoice.since_on, invoice.until_on)
    return _issue(session, invoice, now)


def _issue(session: Session, invoice: Invoice, now: datetime) -> str:
    """Number an invoice without a gap: the advisory lock lets one at a time in."""
    prefix = "IN" if invoice.kind == "invoice" else "CN"
    year = _today(session, now).year
    n = session.scalar(
        select(func.count()).select_from(Invoice).where(Invoice.invoice_no.startswith(f"{prefix}{year}"))
    )
    number, person_id = f"{prefix}{year}{(n or 0) + 1:06d}", session.scalar(select(APP_PERSON))
    xact = session.execute(XACT).scalar_one()
    invoice.invoice_no, invoice.state = number, "issued"  # one UPDATE: what is issued is not edited again
    invoice.issued_at, invoice.issued_by = now.astimezone(UTC), person_id
    invoice.issued_xid = xact
    session.flush()
    said = {"invoice_no": number, "owner_id": invoice.owner_id, "total_minor": invoice.total_minor}
    append_leaf(session, "invoice", said, invoice.id)
    return number


def credit(session: Session, invoice_id: int, now: datetime) -> int:
    """Take an issued invoice back by a credit note that mirrors it line by line; return the note's id.

    Raises UnknownInvoice, InvoiceNotIssued, CorrectedLater.
    """
    session.execute(LOCK)
    invoice = _locked(session, invoice_id)
    if invoice.state != "issued" or invoice.kind != "invoice":
        raise rules.InvoiceNotIssued(invoice=invoice.invoice_no or invoice.id, state=invoice.state)
    later = session.scalar(
        select(Invoice.invoice_no)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(InvoiceLine.corrects_id == invoice.id, Invoice.state == "issued")
        .limit(1)
    )
    if later is not None:
        raise rules.CorrectedLater(invoice=invoice.invoice_no, later=later)
    note = Invoice(
        kind="credit_note", owner_id=invoice.owner_id, since_on=invoice.since_on, until_on=invoice.until_on,
        currency=invoice.currency, total_minor=-invoice.total_minor, known_at=invoice.known_at, credits_id=invoice.id,
    )  # fmt: skip
    session.add(note)
    session.flush()
    rows = session.scalars(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(InvoiceLine.line_no)
    )
    mirrored = [
        Part(Line(**vars(_line_of(row)) | {"qty_milli": -row.qty_milli, "amount_minor": -row.amount_minor}), None)
        for row in rows
    ]
    _write_lines(session, note.id, mirrored)
    _issue(session, note, now)
    invoice.state = "credited"
    session.flush()
    return note.id


def _locked(session: Session, invoice_id: int) -> Invoice:
    found = session.get(Invoice, invoice_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise rules.UnknownInvoice(invoice=invoice_id)
    return found
