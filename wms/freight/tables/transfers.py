"""Transfers between sites: the document, its lines, the stock behind them, what arrived and what did not."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Minor, Qty, RecordedAt, Tenanted
from wms.freight.rules import MODES
from wms.freight.rules.transfers import DISCREPANCY_KINDS, SETTLEMENTS, TRANSFER_STATES
from wms.parties.tables import one_of
from wms.stock.tables import CUSTOMS_STATUSES

ARRIVAL_KINDS = ("good", "damaged", "over")


class Transfer(Tenanted, Base):
    """Goods of one owner that go from one site to another.

    ``depart_on`` is a day at the origin, ``due_on`` one at the destination; instants are UTC. ``turned_back_at``: from
    then on the goods go back to where they came from and arrive there.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        UniqueConstraint("tenant_id", "transfer_no"),
        one_of("state", TRANSFER_STATES),
        one_of("mode", MODES),
        CheckConstraint("from_site_id <> to_site_id", name="two_sites"),
        CheckConstraint(
            "(departed_at IS NOT NULL) = (state NOT IN ('open', 'loaded', 'cancelled'))", name="departed_has_time"
        ),
        Index(None, "tenant_id", "state"),
        Index(None, "owner_id"),
        Index(None, "to_site_id"),
        Index("uq_transfer_gate_pass", "gate_pass_id", unique=True, postgresql_where=text("gate_pass_id IS NOT NULL")),
    )
    id: Mapped[Id]
    transfer_no: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    from_site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    to_site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    mode: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    depart_on: Mapped[date]
    due_on: Mapped[date]
    carrier_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    vehicle_plate: Mapped[str | None]
    container_no: Mapped[str | None]
    seal_no: Mapped[str | None]
    consignment_id: Mapped[int | None] = mapped_column(ForeignKey("consignment.id"))
    gate_pass_id: Mapped[int | None] = mapped_column(ForeignKey("gate_pass.id"))
    reason: Mapped[str] = mapped_column(server_default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    state_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    state_at: Mapped[Instant]
    departed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    turned_back_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    arrived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TransferLine(Tenanted, Base):
    """One item of a transfer. Quantities in base units; the value of one unit in its item's currency.

    ``lot_id`` and ``handling_unit_id`` are what was asked for; what was taken stands in the pieces.
    """

    __tablename__ = "transfer_line"
    __table_args__ = (
        UniqueConstraint("transfer_id", "line_no"),
        CheckConstraint("customs_status IN ('free', 'bonded', 'export')", name="customs_status_known"),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint(
            "loaded_qty BETWEEN 0 AND qty AND departed_qty BETWEEN 0 AND loaded_qty AND damaged_qty <= arrived_qty"
            " AND arrived_qty >= 0 AND short_qty >= 0 AND over_qty >= 0 AND damaged_qty >= 0"
            " AND arrived_qty + short_qty <= departed_qty",
            name="steps_within_steps",
        ),
        Index(None, "owner_id"),
        Index(None, "trade_item_id"),
    )
    id: Mapped[Id]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfer.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    line_no: Mapped[int]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    customs_status: Mapped[str | None]
    qty: Mapped[Qty]
    unit_value_minor: Mapped[Minor]
    currency: Mapped[str]
    loaded_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    departed_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    arrived_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    damaged_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    short_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    over_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")


class TransferPiece(Tenanted, Base):
    """Stock of one account that a line takes: reserved, loaded, departed into ``transit_account_id``, settled there.

    What is on the way of a piece is ``departed_qty − settled_qty``; the sum over all transfers is what the ledger has
    in transit (checked by ``dongting verify``).
    """

    __tablename__ = "transfer_piece"
    __table_args__ = (
        CheckConstraint(
            "qty > 0 AND loaded_qty BETWEEN 0 AND qty AND departed_qty BETWEEN 0 AND loaded_qty"
            " AND settled_qty BETWEEN 0 AND departed_qty",
            name="steps_within_steps",
        ),
        CheckConstraint("departed_qty = 0 OR transit_account_id IS NOT NULL", name="departed_has_account"),
        Index(None, "line_id"),
        Index(
            "ix_transfer_piece_on_the_way", "transit_account_id", postgresql_where=text("settled_qty < departed_qty")
        ),
    )
    id: Mapped[Id]
    line_id: Mapped[int] = mapped_column(ForeignKey("transfer_line.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey("reservation.id"))
    transit_account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    qty: Mapped[Qty]
    loaded_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    departed_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    settled_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")


class TransferArrival(Tenanted, Base):
    """One time that goods of a transfer arrived: part of them, the rest, or the statement that no more will come."""

    __tablename__ = "transfer_arrival"
    __table_args__ = (UniqueConstraint("transfer_id", "arrival_no"),)
    id: Mapped[Id]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfer.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    arrival_no: Mapped[int]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    is_last: Mapped[bool]
    event_at: Mapped[Instant]
    posting_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class TransferArrivalLine(Tenanted, Base):
    """What was counted of a line at one arrival, and where it was put."""

    __tablename__ = "transfer_arrival_line"
    __table_args__ = (one_of("kind", ARRIVAL_KINDS), CheckConstraint("qty > 0", name="qty_positive"))
    arrival_id: Mapped[int] = mapped_column(ForeignKey("transfer_arrival.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    line_id: Mapped[int] = mapped_column(ForeignKey("transfer_line.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    kind: Mapped[str]
    qty: Mapped[Qty]


class TransferDiscrepancy(Tenanted, Base):
    """What did not arrive, or arrived too much: who answers for it, until when, and how it ended.

    ``account_id`` is the ledger's discrepancy account; whoever settles is not who entered it (I13).
    """

    __tablename__ = "transfer_discrepancy"
    __table_args__ = (
        one_of("kind", DISCREPANCY_KINDS),
        one_of("settlement", SETTLEMENTS),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("settled_by <> opened_by", name="second_person"),
        CheckConstraint(
            "(settlement IS NULL) = (settled_at IS NULL) AND (settlement IS NULL) = (settled_by IS NULL)"
            " AND (settlement IS NULL) = (settle_reason IS NULL)",
            name="settled_whole",
        ),
        Index("ix_transfer_discrepancy_open", "due_on", postgresql_where=text("settlement IS NULL")),
        Index(None, "transfer_id"),
    )
    id: Mapped[Id]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfer.id"))
    line_id: Mapped[int] = mapped_column(ForeignKey("transfer_line.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    answerable_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[str]
    qty: Mapped[Qty]
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    other_account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    posting_id: Mapped[int] = mapped_column(BigInteger)
    due_on: Mapped[date]
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[Instant]
    settlement: Mapped[str | None]
    settle_reason: Mapped[str | None]
    settle_posting_id: Mapped[int | None] = mapped_column(BigInteger)
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


__all__ = [
    "ARRIVAL_KINDS",
    "CUSTOMS_STATUSES",
    "Transfer",
    "TransferArrival",
    "TransferArrivalLine",
    "TransferDiscrepancy",
    "TransferLine",
    "TransferPiece",
]
