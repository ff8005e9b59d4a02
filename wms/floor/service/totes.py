"""Totes on a picking cart: which one stands in which slot. A tote serves one list at a time, for one owner's goods."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes import gs1_keys
from wms.floor.rules import picking as rules
from wms.floor.rules.mistakes import BrokenCheckDigit
from wms.stock.tables import HandlingUnit

OWNER = text("SELECT owner_id FROM pick_line WHERE pick_list_id = :list AND slot = :slot LIMIT 1")
UNIT = text("SELECT id, owner_id FROM handling_unit WHERE sscc = :sscc FOR NO KEY UPDATE")
ELSEWHERE = text("""
    SELECT 1 FROM pick_tote t JOIN pick_list k ON k.id = t.pick_list_id
     WHERE t.handling_unit_id = :unit AND k.state IN ('open', 'picking') AND NOT (k.id = :list AND t.slot = :slot)
    UNION ALL
    SELECT 1 FROM account a JOIN balance b ON b.account_id = a.id
     WHERE a.handling_unit_id = :unit AND b.qty > 0 AND NOT EXISTS (
       SELECT 1 FROM pick_line k WHERE k.handling_unit_id = :unit AND k.pick_list_id = :list AND k.slot = :slot
          AND k.trade_item_id = a.trade_item_id AND k.lot_id IS NOT DISTINCT FROM a.lot_id)
    LIMIT 1
""")
BIND = text("UPDATE pick_tote SET handling_unit_id = :unit WHERE pick_list_id = :list AND slot = :slot")
OWN = text("UPDATE handling_unit SET owner_id = :owner WHERE id = :unit")


def bind(session: Session, list_id: int, slot: int, sscc: str) -> int:
    """Put a tote into a slot of a list's cart and return its id; a label never seen before is filed as a crate.

    Another tote may take the place of one that is full. Raises ToteInUse, BrokenCheckDigit.
    """
    if not gs1_keys.is_sscc(sscc):
        raise BrokenCheckDigit(label=sscc)
    owner_id: int = session.execute(OWNER, {"list": list_id, "slot": slot}).scalar_one()
    filed = insert(HandlingUnit).values(sscc=sscc, kind="crate", owner_id=owner_id).on_conflict_do_nothing()
    session.execute(filed)
    unit = session.execute(UNIT, {"sscc": sscc}).one()
    values = {"unit": unit.id, "list": list_id, "slot": slot}
    if session.execute(ELSEWHERE, values).first() is not None:
        raise rules.ToteInUse(sscc=sscc)
    if unit.owner_id != owner_id:
        session.execute(OWN, {"owner": owner_id, "unit": unit.id})  # empty: it may carry anybody's goods
    session.execute(BIND, values)
    return int(unit.id)
