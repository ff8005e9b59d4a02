"""Webhooks for stock changes (Standard Webhooks): subscriptions, their deliveries, sending again."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.billing import company_id
from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Page, RowId
from web.auth.policy import READERS, policy
from web.context import current_scope, settings, unit_of_work
from web.out import rules, webhooks
from web.out.tables import WebhookDelivery, WebhookSubscription

bp = APIBlueprint("api_webhooks", __name__, url_prefix="/api/v1", tag="Webhooks")


class WebhookIn(Body):
    """Where to tell of stock changes; of one owner's goods where it is named; of ``kinds`` of postings, else of all."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "erp", "url": "address of your server, by https", "kinds": ["receipt", "ship"]}
        }
    )

    name: Code
    url: Annotated[str, Field(min_length=8, max_length=500)]
    kinds: Annotated[list[Code], Field(max_length=50)] = Field(default_factory=list)
    owner: Code | None = None


class WebhookChange(Body):
    """Stop telling, or go on."""

    is_active: bool


class DeliveryQuery(Page):
    """Which deliveries."""

    state: Literal["queued", "delivered", "dead"] | None = None


def _shown(row: WebhookSubscription) -> dict[str, Any]:
    names = ("id", "name", "url", "kinds", "owner_id", "is_active")
    return {name: getattr(row, name) for name in names}


@bp.get("/webhooks")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def listed(query: Page) -> Response:
    """List subscriptions; secrets are not shown again."""
    wanted = select(WebhookSubscription).where(WebhookSubscription.id > query.after)
    with unit_of_work() as session:
        rows = list(session.scalars(wanted.order_by(WebhookSubscription.id).limit(query.limit + 1)))
    return page_of([_shown(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/webhooks")
@policy("supervisor", firms=True)
@bp.input(WebhookIn, arg_name="body")
def subscribe(body: WebhookIn) -> Response:
    """Subscribe to stock changes from now on. The signing secret is in this answer and never shown again.

    A firm is told of its own goods alone.
    """

    def act(session: Session) -> Mapping[str, Any]:
        scope = current_scope()
        owner_id = company_id(session, body.owner) if body.owner else None
        if not scope.sees_all:
            owner_id = scope.company_id
        made = webhooks.subscribe(session, settings(), body.name, body.url, body.kinds, owner_id)
        return _shown(made) | {"secret": made.secret}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.patch("/webhooks/<int:webhook_id>")
@policy("supervisor", firms=True, subject="webhook")
@bp.input(WebhookChange, arg_name="body")
def change(webhook_id: int, body: WebhookChange) -> Response:
    """Stop telling, or go on from where it stopped."""

    def act(session: Session) -> Mapping[str, Any]:
        webhooks.set_active(session, webhook_id, body.is_active)
        return {"id": webhook_id, "is_active": body.is_active}

    return write(act, body.model_dump(mode="json"))


@bp.post("/webhooks/<int:webhook_id>/rotate")
@policy("supervisor", firms=True, subject="webhook")
def rotate(webhook_id: int) -> Response:
    """Give a new secret; for a day the former one signs too."""
    return write(lambda session: {"id": webhook_id, "secret": webhooks.rotate(session, webhook_id)}, {"id": webhook_id})


@bp.get("/webhooks/<int:webhook_id>/deliveries")
@policy(*READERS, firms=True, subject="webhook")
@bp.input(DeliveryQuery, location="query", arg_name="query")
def deliveries(webhook_id: int, query: DeliveryQuery) -> Response:
    """List what was sent, with every outcome."""
    with unit_of_work() as session:
        if session.get(WebhookSubscription, webhook_id) is None:
            raise rules.UnknownWebhook(webhook=webhook_id)
        rows = delivered(session, webhook_id, query.state, query.after, query.limit + 1)
    return page_of(rows, after=query.after, limit=query.limit)


def delivered(
    session: Session, webhook_id: int | None, state: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return deliveries of a subscription (None: of all) by id."""
    wanted = select(WebhookDelivery).where(WebhookDelivery.id > after)
    if webhook_id is not None:
        wanted = wanted.where(WebhookDelivery.subscription_id == webhook_id)
    if state:
        wanted = wanted.where(WebhookDelivery.state == state)
    names = ("id", "subscription_id", "event_id", "event_type", "posting_id", "state", "tries", "status_code", "error",
             "recorded_at",
             "tried_at", "delivered_at")  # fmt: skip
    rows = session.scalars(wanted.order_by(WebhookDelivery.id).limit(limit))
    return [{name: getattr(row, name) for name in names} for row in rows]


class AllDeliveriesQuery(Page):
    """Which deliveries: of a state, of any subscription."""

    state: Literal["queued", "delivered", "dead"] | None = "dead"


@bp.get("/webhook-deliveries")
@policy(*READERS, firms=True)
@bp.input(AllDeliveriesQuery, location="query", arg_name="query")
def all_deliveries(query: AllDeliveriesQuery) -> Response:
    """List deliveries of all subscriptions, the dead ones unless another state is asked for."""
    with unit_of_work() as session:
        rows = delivered(session, None, query.state, query.after, query.limit + 1)
    return page_of(rows, after=query.after, limit=query.limit)


class DeadIn(Body):
    """Which dead deliveries are sent again: those of one subscription, else all."""

    webhook_id: RowId | None = None


@bp.post("/webhook-deliveries/resend-dead")
@policy("supervisor")
@bp.input(DeadIn, arg_name="body")
def resend_dead(body: DeadIn) -> Response:
    """Send dead deliveries again, at most 500 at once, the oldest first."""
    return write(
        lambda session: {"sent_again": webhooks.resend_dead(session, body.webhook_id)}, body.model_dump(mode="json")
    )


@bp.post("/webhook-deliveries/<int:delivery_id>/resend")
@policy("supervisor", firms=True, subject="webhook_delivery")
def resend(delivery_id: int) -> Response:
    """Send a delivery again: the same bytes under the same id."""

    def act(session: Session) -> Mapping[str, Any]:
        webhooks.resend(session, delivery_id)
        return {"id": delivery_id, "state": "queued"}

    return write(act, {"delivery_id": delivery_id})
