"""Webhooks: who is told of stock changes, what was sent, and sending again."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import READERS, policy
from web.context import current_scope, settings, unit_of_work
from web.out import webhooks
from web.out.tables import WebhookDelivery, WebhookSubscription
from web.pages.deeds import do_and_say

bp = Blueprint("webhooks", __name__, url_prefix="/desk/webhooks")
SHOWN = 50


@bp.get("")
@policy(*READERS, firms=True)
def show() -> str:
    """Subscriptions with how many deliveries wait and are dead, and the last deliveries."""
    counted = {
        state: select(func.count())
        .where(WebhookDelivery.subscription_id == WebhookSubscription.id, WebhookDelivery.state == state)
        .scalar_subquery()
        for state in ("queued", "dead")
    }
    with unit_of_work() as session:
        rows = session.execute(
            select(WebhookSubscription, counted["queued"], counted["dead"])
            .order_by(WebhookSubscription.id)
            .limit(SHOWN)
        ).all()
        sent = session.execute(
            select(WebhookDelivery, WebhookSubscription.name)
            .join(WebhookSubscription, WebhookSubscription.id == WebhookDelivery.subscription_id)
            .order_by(WebhookDelivery.state != "dead", WebhookDelivery.id.desc())
            .limit(SHOWN)
        ).all()
    return render_template("desk/webhooks.html", subscriptions=rows, deliveries=sent)


@bp.post("")
@policy("supervisor", firms=True)
def subscribe() -> AnyResponse:
    """Enter a subscription; its secret is shown once."""
    name, url = request.form.get("name", "").strip()[:80], request.form.get("url", "").strip()[:500]
    kinds = [one.strip() for one in request.form.get("kinds", "").split(",") if one.strip()][:50]
    scope = current_scope()
    owner_id = None if scope.sees_all else scope.company_id

    def act(session: Session) -> dict[str, Any]:
        made = webhooks.subscribe(session, settings(), name, url, kinds, owner_id)
        return {"id": made.id, "secret": made.secret}

    answer = do_and_say({"name": name, "url": url, "kinds": kinds}, act)
    if answer is not None:
        flash(_("Signing secret, shown once: %(secret)s", secret=answer["secret"]))
    return redirect(url_for("webhooks.show"))


@bp.post("/deliveries/<int:delivery_id>")
@policy("supervisor", firms=True, subject="webhook_delivery")
def resend(delivery_id: int) -> AnyResponse:
    """Send a delivery again."""

    def act(session: Session) -> dict[str, Any]:
        webhooks.resend(session, delivery_id)
        return {"id": delivery_id}

    do_and_say({"delivery_id": delivery_id}, act, _("It is sent again."))
    return redirect(url_for("webhooks.show"))
