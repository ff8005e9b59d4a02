"""Webhooks that were given up: an administrator sees them, with the alarm that each raised, and sends them again."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import policy
from web.context import unit_of_work
from web.out import webhooks
from web.out.tables import WebhookDelivery, WebhookSubscription
from web.pages.deeds import do_and_say
from web.pages.webhooks import SHOWN
from wms.watch import queries as watch

bp = Blueprint("dead_webhooks", __name__, url_prefix="/admin/webhooks")


@bp.get("")
@policy("administrator", "supervisor")
def show() -> str:
    """What partners were not told after every try, why, and the alarms that say so."""
    with unit_of_work() as session:
        rows = session.execute(
            select(WebhookDelivery, WebhookSubscription.name, WebhookSubscription.url)
            .join(WebhookSubscription, WebhookSubscription.id == WebhookDelivery.subscription_id)
            .where(WebhookDelivery.state == "dead")
            .order_by(WebhookDelivery.id.desc())
            .limit(SHOWN)
        ).all()
        n_dead = webhooks.count_dead(session)
        alarms = [one for one in watch.alarms(session, limit=SHOWN) if one.source == "webhook"]
    return render_template("admin/webhooks.html", deliveries=rows, n_dead=n_dead, alarms=alarms)


@bp.post("")
@policy("administrator", "supervisor")
def resend() -> AnyResponse:
    """Send all dead deliveries again."""
    done = do_and_say({}, lambda session: {"n": webhooks.resend_dead(session)})
    if done is not None:
        flash(_("%(n)s deliveries are sent again.", n=done["n"]), "ok")
    return redirect(url_for("dead_webhooks.show"))


@bp.post("/deliveries/<int:delivery_id>")
@policy("administrator", "supervisor", subject="webhook_delivery")
def resend_one(delivery_id: int) -> AnyResponse:
    """Send one dead delivery again."""

    def act(session: Session) -> dict[str, Any]:
        webhooks.resend(session, delivery_id)
        return {"id": delivery_id}

    do_and_say({"delivery_id": delivery_id}, act, _("It is sent again."))
    return redirect(url_for("dead_webhooks.show"))
