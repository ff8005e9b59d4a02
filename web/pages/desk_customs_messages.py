"""The post office of customs messages as the declarant sees it: what went out, what came in, what is wrong with it."""

from flask import Blueprint, render_template, request

from web.auth.policy import READERS, policy
from web.context import current_identity, settings, unit_of_work
from web.i18n import localised
from wms.customs.messages import codes, post_office, queries
from wms.customs.messages.queries import MessageRow
from wms.customs.messages.signing import WORDS
from wms.customs.tables.messages import IN_STATES, OUT_STATES
from wms.errors import N_

bp = Blueprint("desk_customs_messages", __name__, url_prefix="/desk")
SHOWN = 50
STATES = OUT_STATES + IN_STATES
STATE_WORDS = {
    "queued": N_("waits to be sent"),
    "sent": N_("sent"),
    "taken": N_("taken"),
    "waiting": N_("waits for another"),
    "repeated": N_("came before"),
    "unreadable": N_("unreadable"),
    "invalid": N_("not valid"),
    "refused": N_("refused"),
}
SIGNATURE_CHIPS = {"valid": "ok", "invalid": "stop", "untrusted": "warn", "unsigned": "none", "not_judged": "none"}
STATE_CHIPS = {
    "queued": "busy", "sent": "ok", "taken": "ok", "waiting": "busy", "repeated": "none", "unreadable": "stop",
    "invalid": "stop", "refused": "warn",
}  # fmt: skip


@bp.get("/customs-messages")
@policy(*READERS)
def index() -> str:
    """List messages, the newest first."""
    asked = {name: value for name in ("direction", "kind", "state", "number") if (value := request.args.get(name, ""))}
    direction, state = asked.get("direction"), asked.get("state")
    before = request.args.get("before", "0")
    is_down = settings().customs_exchange is None
    with unit_of_work() as session:
        waiting = queries.waiting_to_leave(session) if is_down else 0
        rows = queries.messages(
            session,
            direction=direction if direction in ("in", "out") else None,
            kind=asked.get("kind"),
            number=asked.get("number", "").strip() or None,
            state=state if state in STATES else None,
            before=int(before) if before.isdecimal() and len(before) < 19 else 0,
            limit=SHOWN + 1,
        )
    more = rows[SHOWN - 1].id if len(rows) > SHOWN else None
    return render_template(
        "customs_messages/index.html", rows=rows[:SHOWN], more=more, asked=asked, states=STATES, words=STATE_WORDS,
        chips=STATE_CHIPS, kinds=post_office.kinds(), meaning=_meaning,
        waiting=waiting,
    )  # fmt: skip


@bp.get("/customs-messages/<int:message_id>")
@policy(*READERS, subject="customs_message")
def show(message_id: int) -> str:
    """Show one message with every finding."""
    with unit_of_work() as session:
        row = queries.message(session, message_id)
        found = queries.findings(session, message_id)
    who = current_identity()
    may_read = who is not None and bool({"declarant", "customs_officer", "auditor"} & who.roles)
    said = [(one.rule, one.field, localised(one.text, dict(one.values))) for one in found]
    return render_template(
        "customs_messages/message.html", row=row, found=said, words=STATE_WORDS, chips=STATE_CHIPS, meaning=_meaning,
        may_read=may_read, signatures=WORDS, signature_chips=SIGNATURE_CHIPS,
    )  # fmt: skip


def _meaning(row: MessageRow) -> dict[str, str] | None:
    """What the receipt code of a sent message means, in both languages."""
    known = codes.receipt(row.receipt_status, row.recorded_at.date()) if row.receipt_status else None
    return {"zh": known.name_zh, "en": known.name_en} if known else None
