"""Replenishment proposals: what was worked out for an item between two sites, with every number it came from."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.freight.tables.transfers  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Qty, RecordedAt, Tenanted
from wms.freight.rules import MODES
from wms.freight.rules.replenish import PROPOSAL_STATES
from wms.parties.tables import one_of


class ProposalRun(Tenanted, Base):
    """One working out of proposals for the items of an owner on one way: by the clock, or asked for by a person."""

    __tablename__ = "proposal_run"
    __table_args__ = (
        one_of("mode", MODES),
        CheckConstraint("n_items >= 0", name="items_not_negative"),
        Index(None, "tenant_id", "owner_id", "to_site_id"),
    )
    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    from_site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    to_site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    mode: Mapped[str]
    is_scheduled: Mapped[bool]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    n_items: Mapped[int]
    recorded_at: Mapped[RecordedAt]


class Proposal(Tenanted, Base):
    """Send ``qty`` base units, or none: the advice of one day. ``why`` holds forecast, lead time, terms and steps.

    A newer run for the same item and way supersedes what nobody decided on.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        one_of("state", PROPOSAL_STATES),
        one_of("mode", MODES),
        CheckConstraint("qty >= 0 AND risk_permille BETWEEN 0 AND 1000 AND overstock_qty >= 0", name="amounts"),
        CheckConstraint("(state = 'accepted') = (transfer_id IS NOT NULL)", name="accepted_has_transfer"),
        CheckConstraint("(state IN ('accepted', 'dismissed')) = (decided_at IS NOT NULL)", name="decided_has_time"),
        Index(
            "uq_proposal_standing", "owner_id", "from_site_id", "to_site_id", "trade_item_id", unique=True,
            postgresql_where=text("state = 'proposed'"),
        ),
        Index(None, "to_site_id"),
        Index(None, "trade_item_id"),
    )  # fmt: skip
    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    from_site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    to_site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    mode: Mapped[str]
    computed_on: Mapped[date]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("proposal_run.id"))
    qty: Mapped[Qty]
    risk_permille: Mapped[int]
    overstock_qty: Mapped[Qty]
    why: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default="proposed")
    transfer_id: Mapped[int | None] = mapped_column(ForeignKey("transfer.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision_reason: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]
