"""Tell partners of stock changes: tail the ledger without missing a posting, sign, send, try again (Standard Webhooks).

The webhook-id is the posting's, so who gets an event twice knows it; the body is kept as it was first made.
"""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from web.out import rules
from web.out.calling import Answer, call
from web.out.tables import WebhookDelivery, WebhookSubscription
from wms.db import Database, Scope, tenant_of
from wms.parties.tables import Site
from wms.record.jobs import defer
from wms.record.service import append_leaf
from wms.settings import Settings, load_settings
from wms.watch.service.alarms import NewAlarm, raise_alarm

log = structlog.get_logger("webhooks")

TAIL, SEND = "webhooks.tail", "webhooks.send"
BATCH = 500
PAUSE_S = 2
FORMER_SECRET_LIFE = timedelta(hours=24)
SECRET_BYTES = 32
ONE_CAUSE = timedelta(days=3650)  # what dies while an alarm is not acknowledged joins it

# Every transaction below the snapshot's xmin is over: nothing can still appear before what was read here.
NEW_POSTINGS = text(
    "SELECT p.id, p.transaction_id, p.kind FROM posting p"
    " WHERE p.tenant_id = app_tenant() AND p.transaction_id >= :last_xid"
    " AND (p.transaction_id, p.id) > (:last_xid, :last_id)"
    " AND p.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    " ORDER BY p.transaction_id, p.id LIMIT :most"
)
FACTS = text(
    "SELECT p.id, p.kind, p.source_doc, p.reason, p.reverses_id, p.event_at, p.recorded_at, c.code AS owner,"
    " t.code AS item, t.gtin, lot.lot_no, lot.expires_on, s.code AS site, l.code AS place, h.sscc, a.kind AS account,"
    " a.customs_status, a.quality_status, e.qty"
    " FROM posting p JOIN entry e ON e.posting_id = p.id JOIN account a ON a.id = e.account_id"
    " JOIN account_kind k ON k.kind = a.kind AND k.side = 'physical' JOIN company c ON c.id = a.owner_id"
    " JOIN trade_item t ON t.id = a.trade_item_id LEFT JOIN lot ON lot.id = a.lot_id"
    " LEFT JOIN site s ON s.id = a.site_id LEFT JOIN location l ON l.id = a.location_id"
    " LEFT JOIN handling_unit h ON h.id = a.handling_unit_id"
    " WHERE p.id = ANY (cast(:ids AS bigint[])) AND (cast(:owner AS bigint) IS NULL OR a.owner_id = :owner)"
    " ORDER BY p.id, e.account_id"
)
XMIN = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
CHANGE = ("owner", "item", "gtin", "lot_no", "expires_on", "site", "place", "sscc", "account", "customs_status",
          "quality_status", "qty")  # fmt: skip


@cache
def _settings() -> Settings:
    return load_settings()


def allowed_hosts(settings: Settings) -> tuple[str, ...]:
    """Return the hosts that webhooks may go to; empty: any public one."""
    return tuple(host.strip().lower() for host in settings.webhook_hosts.split(",") if host.strip())


def new_secret() -> str:
    """Return a signing secret in the form of the specification."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def subscribe(
    session: Session, settings: Settings, name: str, url: str, kinds: Sequence[str], owner_id: int | None
) -> WebhookSubscription:
    """Enter a subscription; it is told of what is posted from now on. Raises BadWebhookUrl, WebhookExists."""
    rules.target_of(url, allowed_hosts=allowed_hosts(settings), private_allowed=settings.webhook_private)
    made: WebhookSubscription | None = session.scalar(
        insert(WebhookSubscription)
        .values(
            name=name, url=url, kinds=list(kinds), owner_id=owner_id, secret=new_secret(),
            last_xid=session.execute(XMIN).scalar_one(),
        )
        .on_conflict_do_nothing()
        .returning(WebhookSubscription)
    )  # fmt: skip
    if made is None:
        raise rules.WebhookExists(field="name", webhook=name)
    append_leaf(session, "webhook_subscribed", {"name": name, "url": url, "owner_id": owner_id}, made.id)
    defer(session, TAIL, queueing_lock=TAIL, after_s=PAUSE_S)
    return made


def rotate(session: Session, subscription_id: int) -> str:
    """Give a subscription a new secret; for a day both sign, so that the receiver can change over."""
    found = _subscription(session, subscription_id)
    found.former_secret, found.former_until = found.secret, datetime.now(UTC) + FORMER_SECRET_LIFE
    found.secret = new_secret()
    session.flush()
    append_leaf(session, "webhook_rotated", {"name": found.name}, found.id)
    return found.secret


def set_active(session: Session, subscription_id: int, is_active: bool) -> None:
    """Stop telling, or go on from where it stopped. Raises UnknownWebhook."""
    _subscription(session, subscription_id).is_active = is_active
    session.flush()


def _subscription(session: Session, subscription_id: int) -> WebhookSubscription:
    found = session.get(WebhookSubscription, subscription_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise rules.UnknownWebhook(webhook=subscription_id)
    return found


def tail(database: Database, *, timestamp: int | None = None) -> None:
    """Queue what was posted since for every subscription; called by the clock and by itself while anybody listens."""
    del timestamp
    with database.engine.connect() as connection:
        tenants = connection.execute(text("SELECT id FROM tenant ORDER BY id")).scalars().all()
    told = [tail_tenant(database, Scope.system(tenant_id)) for tenant_id in tenants]
    if any(listens for listens, _ in told):
        with database.unit_of_work(Scope.system(tenants[0])) as session:
            defer(session, TAIL, queueing_lock=TAIL, after_s=0 if any(more for _, more in told) else PAUSE_S)


def tail_tenant(database: Database, scope: Scope) -> tuple[bool, bool]:
    """Queue what is new for the subscriptions of one tenant; return whether anybody listens, and whether more waits."""
    with database.unit_of_work(scope) as session:
        ids = list(session.scalars(select(WebhookSubscription.id).where(WebhookSubscription.is_active)))
    more = False
    for subscription_id in ids:
        with database.unit_of_work(scope) as session:
            more |= queue_new(session, subscription_id)
    return bool(ids), more


def queue_new(session: Session, subscription_id: int) -> bool:
    """Queue the next postings for a subscription; return whether there may be more."""
    subscription = session.scalar(
        select(WebhookSubscription)
        .where(WebhookSubscription.id == subscription_id, WebhookSubscription.is_active)
        .with_for_update(skip_locked=True)
    )
    if subscription is None:
        return False
    values = {"last_xid": subscription.last_xid, "last_id": subscription.last_posting_id, "most": BATCH}
    # The table is large and its newest rows are few: through the index also while statistics say otherwise.
    session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
    rows = session.execute(NEW_POSTINGS, values).all()
    if not rows:
        return False
    wanted = [row.id for row in rows if not subscription.kinds or row.kind in subscription.kinds]
    for event in events(session, wanted, subscription.owner_id):
        _queue(session, subscription.id, event)
    subscription.last_xid, subscription.last_posting_id = rows[-1].transaction_id, rows[-1].id
    session.flush()
    return len(rows) == BATCH


def events(session: Session, posting_ids: Sequence[int], owner_id: int | None) -> list[dict[str, Any]]:
    """Return postings as events: what moved, whose, where; of one owner's goods alone where it is named."""
    found: dict[int, dict[str, Any]] = {}
    for row in session.execute(FACTS, {"ids": list(posting_ids), "owner": owner_id}).mappings():
        event = found.setdefault(row["id"], _head(dict(row)))
        event["data"]["changes"].append({name: _plain(row[name]) for name in CHANGE if row[name] is not None})
    return list(found.values())


def _head(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("source_doc", "reason", "reverses_id", "event_at", "recorded_at")
    known = {name: _plain(row[name]) for name in names if row[name] is not None}
    return {
        "type": f"stock.{row['kind']}",
        "timestamp": _plain(row["recorded_at"]),
        "data": {"posting_id": row["id"], **known, "changes": []},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if hasattr(value, "isoformat") else value


def _queue(session: Session, subscription_id: int, event: Mapping[str, Any]) -> None:
    posting_id = event["data"]["posting_id"]
    made: int | None = session.scalar(
        insert(WebhookDelivery)
        .values(
            subscription_id=subscription_id, posting_id=posting_id, event_id=f"posting_{posting_id}",
            event_type=event["type"], body=json.dumps(event, ensure_ascii=False, separators=(",", ":")),
        )
        .on_conflict_do_nothing()
        .returning(WebhookDelivery.id)
    )  # fmt: skip
    if made is not None:
        _defer(session, made)


def _defer(session: Session, delivery_id: int, after_s: int = 0) -> None:
    defer(
        session, SEND, queueing_lock=f"webhook:{delivery_id}", after_s=after_s, tenant_id=tenant_of(session),
        delivery_id=delivery_id,
    )  # fmt: skip


def send(database: Database, *, tenant_id: int, delivery_id: int) -> None:
    """Send one delivery; what fails is tried again later and dead after the last try."""
    scope, settings = Scope.system(tenant_id), _settings()
    with database.unit_of_work(scope) as session:
        found = session.execute(
            select(WebhookSubscription, WebhookDelivery.event_id, WebhookDelivery.body)
            .join(WebhookSubscription, WebhookSubscription.id == WebhookDelivery.subscription_id)
            .where(WebhookDelivery.id == delivery_id, WebhookDelivery.state == "queued")
        ).one_or_none()
    if found is None:
        return
    subscription, event_id, body = found
    try:
        target = rules.target_of(
            subscription.url, allowed_hosts=allowed_hosts(settings), private_allowed=settings.webhook_private
        )
        headers = signed(subscription, event_id, body, datetime.now(UTC))
        answer = call(target, headers, body.encode(), private_allowed=settings.webhook_private)
    except rules.BadWebhookUrl as refusal:
        answer = Answer(None, str(refusal))
    with database.unit_of_work(scope) as session:
        _settle(session, delivery_id, answer)


def signed(subscription: WebhookSubscription, event_id: str, body: str, at: datetime) -> dict[str, str]:
    """Return the headers of one try: id, time, and a signature for each secret that counts."""
    keys = [subscription.secret]
    if subscription.former_secret and subscription.former_until and at < subscription.former_until:
        keys.append(subscription.former_secret)
    signatures = " ".join(Webhook(key).sign(event_id, at, body) for key in keys)
    return {
        "content-type": "application/json",
        "user-agent": "Dongting-Webhooks/1",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures,
    }


def _settle(session: Session, delivery_id: int, answer: Answer) -> None:
    delivery = session.get_one(WebhookDelivery, delivery_id, with_for_update=True, populate_existing=True)
    delivery.tries += 1
    delivery.status_code, delivery.error = answer.status, answer.error
    delivery.tried_at = datetime.now(UTC)
    if answer.is_taken:
        delivery.state, delivery.delivered_at, delivery.error = "delivered", delivery.tried_at, None
        session.flush()
        return
    if answer.status == rules.GONE:
        session.execute(
            update(WebhookSubscription)
            .where(WebhookSubscription.id == delivery.subscription_id)
            .values(is_active=False)
        )
    wait_s = None if answer.status == rules.GONE else rules.wait_s(delivery.tries, answer.retry_after_s)
    if wait_s is not None:
        _defer(session, delivery.id, wait_s)
        session.flush()
        return
    delivery.state = "dead"
    session.flush()
    said = {"event_id": delivery.event_id, "tries": delivery.tries, "error": delivery.error or str(answer.status)}
    append_leaf(session, "webhook_dead", said, delivery.id)
    _raise_alarm(session, delivery)
    log.error("webhook_dead", subscription=delivery.subscription_id, **said)


def _raise_alarm(session: Session, delivery: WebhookDelivery) -> None:
    """Tell people that a partner was not told: one alarm for each subscription, however many deliveries die of it."""
    name = session.scalars(
        select(WebhookSubscription.name).where(WebhookSubscription.id == delivery.subscription_id)
    ).one()
    changes = json.loads(delivery.body)["data"]["changes"]
    codes = [change["site"] for change in changes if "site" in change]
    # A posting without a place belongs to no site; the alarm then stands at the first, for somebody must see it.
    site_id = session.scalar(select(Site.id).order_by(Site.code != codes[0] if codes else Site.id, Site.id).limit(1))
    if site_id is None or delivery.tried_at is None:
        return
    said = f"{delivery.event_type} {delivery.event_id}: {delivery.error or delivery.status_code}"
    alarm = NewAlarm(site_id, "webhook", "webhook_dead", name, delivery.tried_at, said)
    raise_alarm(session, alarm, join_within=ONE_CAUSE)


def resend_dead(session: Session, subscription_id: int | None = None) -> int:
    """Send dead deliveries again, of one subscription or of all, the oldest first; return how many."""
    dead = select(WebhookDelivery.id).where(WebhookDelivery.state == "dead").order_by(WebhookDelivery.id).limit(BATCH)
    if subscription_id is not None:
        dead = dead.where(WebhookDelivery.subscription_id == subscription_id)
    again = session.scalars(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(dead), WebhookDelivery.state == "dead")
        .values(state="queued", tries=0, error=None, status_code=None)
        .returning(WebhookDelivery.id)
    ).all()
    for delivery_id in sorted(again):
        _defer(session, delivery_id)
    return len(again)


def count_dead(session: Session) -> int:
    """Return how many deliveries are dead."""
    return session.scalar(select(func.count()).where(WebhookDelivery.state == "dead")) or 0


def resend(session: Session, delivery_id: int) -> None:
    """Send a dead or delivered one again, the same bytes under the same id. Raises UnknownDelivery, DeliveryQueued."""
    done = session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.state != "queued")
        .values(state="queued", tries=0, error=None, status_code=None, delivered_at=None)
        .returning(WebhookDelivery.id)
    ).scalar_one_or_none()
    if done is not None:
        _defer(session, delivery_id)
        return
    if session.scalar(select(func.count()).where(WebhookDelivery.id == delivery_id)):
        raise rules.DeliveryQueued(delivery=delivery_id)
    raise rules.UnknownDelivery(delivery=delivery_id)
