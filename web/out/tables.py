"""What left by network and what came of it: webhooks with every delivery, messages to customs with their answers."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, deferred, mapped_column

import wms.customs.tables
import wms.stock.tables  # noqa: F401
from wms.db import Base, Id, RecordedAt, Tenanted
from wms.parties.tables import one_of

DELIVERY_STATES = ("queued", "delivered", "dead")
DISPATCH_STATES = ("waiting", "sent", "settled")


class WebhookSubscription(Tenanted, Base):
    """Somebody's address. ``owner_id`` narrows it to one owner's goods; ``kinds`` of postings, empty: all.

    ``last_xid`` and ``last_posting_id`` are how far the ledger was told, in the order of transactions: ids are taken
    before commits, so ``id > last`` alone would miss rows (ledger reference, section 4).
    """

    __tablename__ = "webhook_subscription"
    __table_args__ = (
        CheckConstraint("length(url) <= 500 AND length(name) BETWEEN 1 AND 80", name="lengths"),
        UniqueConstraint("tenant_id", "owner_id", "name", postgresql_nulls_not_distinct=True),
    )
    id: Mapped[Id]
    name: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    url: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    secret: Mapped[str]
    former_secret: Mapped[str | None]
    former_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    last_xid: Mapped[int] = mapped_column(BigInteger)
    last_posting_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
    recorded_at: Mapped[RecordedAt]


class WebhookDelivery(Tenanted, Base):
    """One event for one subscription: the same bytes under one id until it is taken, or dead after the last try."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("subscription_id", "posting_id"),
        one_of("state", DELIVERY_STATES),
        CheckConstraint("tries >= 0", name="tries_not_negative"),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="delivered_has_time"),
        Index(None, "tenant_id", "subscription_id", "id"),
    )
    id: Mapped[Id]
    subscription_id: Mapped[int] = mapped_column(ForeignKey("webhook_subscription.id"))
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    event_id: Mapped[str]
    event_type: Mapped[str]
    body: Mapped[str] = deferred(mapped_column(String, nullable=False))
    state: Mapped[str] = mapped_column(server_default="queued")
    tries: Mapped[int] = mapped_column(server_default="0")
    status_code: Mapped[int | None]
    error: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]
    tried_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class CustomsDispatch(Tenanted, Base):
    """How a message went to customs: a row is its proof. ``name`` is the file it goes by, ``digest`` of its bytes."""

    __tablename__ = "customs_dispatch"
    __table_args__ = (
        UniqueConstraint("message_id"),
        one_of("state", DISPATCH_STATES),
        CheckConstraint("tries >= 0 AND sendings >= 0", name="counts_not_negative"),
        CheckConstraint("(sendings > 0) = (sent_at IS NOT NULL)", name="sent_has_time"),
        Index("ix_customs_dispatch_due", "tenant_id", "next_at", postgresql_where=text("state <> 'settled'")),
    )
    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("customs_message.id"))
    name: Mapped[str]
    digest: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    tries: Mapped[int] = mapped_column(server_default="0")  # that did not reach the other side, since the last that did
    sendings: Mapped[int] = mapped_column(server_default="0")  # that did
    error: Mapped[str | None]
    next_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # the first time
    last_sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class CustomsAwaited(Tenanted, Base):
    """One document of a message sent: the numbers it goes by, what was heard of it, and the file that said the last."""

    __tablename__ = "customs_awaited"
    __table_args__ = (Index("ix_customs_awaited_numbers", "numbers", postgresql_using="gin"),)
    id: Mapped[Id]
    dispatch_id: Mapped[int] = mapped_column(ForeignKey("customs_dispatch.id"), index=True)
    numbers: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    heard: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    heard_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("customs_message.id"))
    reason: Mapped[str | None]
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]
