"""Personal data of parcels: shown only with a logged reason, found by blind index, sealed anew, erased when due.

What a person bought, paid and was taxed stays when they are erased; who it was does not.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Table, and_, func, inspect, or_, select, text, update
from sqlalchemy.orm import Session

from wms.customs.tables.buyers import Buyer
from wms.customs.tables.messages import CustomsMessage
from wms.customs.tables.parcels import RetailDocument, RetailOrder, RetailPayment, RetailWaybill
from wms.errors import N_, Kind, WmsError
from wms.parties import dated
from wms.parties.private import Vault, key_id_of, mask
from wms.record.service import append_leaf

RETENTION = "parcel.personal_retention_days"
SEALED: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Buyer, ("id_sealed", "name_sealed")),
    (RetailDocument, ("body_sealed",)),
    (RetailOrder, ("buyer_sealed", "consignee_sealed", "phone_sealed", "address_sealed")),
    (RetailPayment, ("payer_sealed", "payer_name_sealed")),
    (RetailWaybill, ("consignee_sealed", "phone_sealed", "address_sealed")),
    (CustomsMessage, ("raw_sealed",)),
)
INDEXES: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Buyer, ("id_index",)),
    (RetailOrder, ("buyer_index", "buyer_name_index", "consignee_index", "phone_index", "address_index")),
    (RetailPayment, ("payer_index", "payer_name_index")),
    (RetailWaybill, ("consignee_index", "phone_index", "address_index")),
)
LEAST_REASON = 5
AT_ONCE = 1_000
WHO = text("SELECT app_person()")


class ReasonNeeded(WmsError):
    """Personal data is shown to nobody who does not say why."""

    code = "reveal_reason_needed"
    kind = Kind.INVALID
    text = N_("Say in at least %(least)s characters why the personal data is needed; it is recorded with your name.")


class Erased(WmsError):
    """The retention period is over: nobody can tell any more."""

    code = "personal_data_erased"
    kind = Kind.NOT_FOUND
    text = N_("The personal data of order %(order_no)s was erased when its retention ended.")


@dataclass(frozen=True)
class People:
    """Who buys and who receives, open or masked."""

    buyer_id_number: str
    buyer_name: str
    buyer_phone: str
    consignee: str
    consignee_phone: str
    consignee_address: str


def masked(session: Session, vault: Vault, order: RetailOrder) -> People:
    """The people of an order as everybody may see them."""
    found = _opened(session, vault, order)
    kinds = ("id", "name", "phone", "name", "phone", "address")
    return People(*(mask(value, kind) for value, kind in zip(vars(found).values(), kinds, strict=True)))


def reveal(session: Session, vault: Vault, order: RetailOrder, reason: str, at: datetime) -> People:
    """Open the people of an order for a reason, which is recorded with person and time. Raises ReasonNeeded, Erased."""
    if len(reason.strip()) < LEAST_REASON:
        raise ReasonNeeded(field="reason", least=LEAST_REASON)
    if order.phone_sealed is None:
        raise Erased(order_no=order.order_no)
    person_id = session.scalar(WHO)
    body = {"order_id": order.id, "order_no": order.order_no, "person": person_id, "reason": reason.strip(), "at": at}
    append_leaf(session, "personal_data_shown", body, order.id)
    return _opened(session, vault, order)


def _opened(session: Session, vault: Vault, order: RetailOrder) -> People:
    id_sealed = session.scalar(select(Buyer.id_sealed).where(Buyer.id == order.buyer_id))
    both = vault.open(order.buyer_sealed, "retail_order.buyer") if order.buyer_sealed else "\n"
    name, _newline, phone = both.partition("\n")
    return People(
        vault.open(id_sealed, "buyer.id") if id_sealed else "", name, phone,
        *(
            vault.open(sealed, f"retail_order.{column}") if sealed else ""
            for column, sealed in (
                ("consignee", order.consignee_sealed), ("phone", order.phone_sealed), ("address", order.address_sealed)
            )
        ),
    )  # fmt: skip


def orders_of(
    session: Session, vault: Vault, *, id_number: str = "", phone: str = "", name: str = "", limit: int = 100
) -> list[RetailOrder]:
    """Find orders by the exact identity number, phone or name of buyer or consignee, the newest first."""
    wanted: list[ColumnElement[bool]] = []
    if id_number:
        index = vault.blind(id_number, "id")
        wanted.append(RetailOrder.buyer_id.in_(select(Buyer.id).where(Buyer.id_index == index)))
    if phone:
        wanted.append(RetailOrder.phone_index == vault.blind(phone, "phone"))
    if name:
        index = vault.blind(name, "name")
        wanted.append(or_(RetailOrder.buyer_name_index == index, RetailOrder.consignee_index == index))
    if not wanted:
        return []
    return list(session.scalars(select(RetailOrder).where(*wanted).order_by(RetailOrder.id.desc()).limit(limit)))


def reseal(session: Session, vault: Vault, *, at_once: int = AT_ONCE) -> int:
    """Seal fields that an older key sealed with the current one, at most ``at_once`` rows; return how many were.

    Call it until it returns 0; the older key may be taken away then.
    """
    current, done = vault.current.to_bytes(2, "big"), 0
    for mapped, columns in SEALED:
        table: Table = inspect(mapped).local_table
        names = [_field(mapped, column) for column in columns]
        old = or_(*(func.substring(table.c[column], 2, 2, type_=LargeBinary) != current for column in columns))
        query = select(table.c.id, *(table.c[column] for column in columns)).where(old)
        rows = session.execute(query.order_by(table.c.id).limit(at_once - done).with_for_update()).all()
        for row in rows:
            values = {
                column: vault.seal_bytes(vault.open_bytes(sealed, name), name)
                for column, name, sealed in zip(columns, names, row[1:], strict=True)
                if sealed is not None and key_id_of(sealed) != vault.current
            }
            session.execute(update(table).where(table.c.id == row.id).values(values))
        done += len(rows)
        if done >= at_once:
            break
    if done:
        append_leaf(session, "personal_data_sealed_anew", {"rows": done, "key": vault.current})
    return done


def _field(mapped: Any, column: str) -> str:
    """The name under which a column's value is sealed."""
    return f"{mapped.__tablename__}.{column.removesuffix('_sealed')}"


def erase(session: Session, at: datetime) -> dict[str, int]:
    """Erase the people of everything older than the retention of the day; return how many rows of each table.

    A buyer is erased when nothing of theirs is younger.
    """
    days = int(dated.value(session, RETENTION, at.date()))
    before = at.astimezone(UTC) - timedelta(days=days)
    done: dict[str, int] = {}
    for mapped, columns in SEALED:
        since = Buyer.last_used_on < before.date() if mapped is Buyer else mapped.recorded_at < before
        first = getattr(mapped, columns[0])
        is_there = first.is_not(None)
        if mapped is CustomsMessage:  # what still has to leave, or waits for another, is needed yet
            since = and_(since, CustomsMessage.state.not_in(("queued", "waiting")))
            is_there = or_(is_there, CustomsMessage.raw.is_not(None))
        values: dict[str, Any] = dict.fromkeys((*columns, *dict(INDEXES).get(mapped, ())))
        if mapped is Buyer:
            values["erased_at"] = at
        if mapped is CustomsMessage:
            values["raw"] = None
        changed = session.execute(
            update(mapped).where(since, is_there).values(values).returning(mapped.id)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        done[mapped.__tablename__] = len(changed.all())
    if any(done.values()):
        append_leaf(session, "personal_data_erased", {"before": before, "rows": done})
    return done
