"""The desk for handling units: a unit first, then what to do with it.

``NEST`` and another unit: it goes into that one. ``TAKEOUT``: it is taken out of the one it stands in. ``SPLIT``, then
goods, then ``DONE``: they go into a new unit with a label of its own (or into the unit that is scanned instead of
``DONE``). ``MERGE`` and another unit: all that lies in it goes over. What came from what is kept (docs/inbound.md).
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import unit_queries
from wms.floor.rules import mistakes, unit_mistakes
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.commands import Command, Verb
from wms.floor.rules.repacking import Wanted
from wms.floor.service import goods as labels
from wms.floor.service import putting_away, repacking, units, units_board, units_undo
from wms.floor.service.desk import Desk
from wms.floor.service.jobs import Job
from wms.floor.service.units import Deed

if TYPE_CHECKING:
    from wms.floor.service.scanning import TakeScan

WORDS = ("NEST", "TAKEOUT", "SPLIT", "MERGE")


def follow_screen(desk: Desk, scan: "TakeScan", label: Label) -> None:
    """Choose the site that the screen shows. Raises NoSite."""
    putting_away.follow_screen(desk, scan, label)


def step(desk: Desk, label: Label) -> Answer:
    """Answer a scan that is no command of all jobs: a unit, goods, or one of the words of this desk."""
    if desk.context.site_id is None:
        raise mistakes.NoSite
    if label.fault is None and label.sscc:
        return _unit(desk, label)
    if label.fault is None and label.item_gtin:
        return _goods(desk, label)
    word = label.text.strip().upper()
    if word in WORDS:
        return _word(desk, word)
    if label.fault is None and _state(desk).get("word") in {"NEST", "MERGE"}:
        raise unit_mistakes.OtherUnitWanted(sscc=_state(desk)["unit"])
    labels.refuse_unreadable(label)
    raise mistakes.UnknownLabel(label=labels.shown(label))


def _state(desk: Desk) -> dict[str, Any]:
    return dict(desk.context.pending or {})


def _set(desk: Desk, **more: Any) -> None:
    kept = {name: value for name, value in (_state(desk) | more).items() if value is not None}
    desk.context.pending = kept or None


def _deed(desk: Desk) -> Deed:
    return Deed(f"scan:{desk.key}", desk.event_at, desk.device)


def _unit(desk: Desk, label: Label) -> Answer:
    assert label.sscc is not None
    state = _state(desk)
    match state.get("word"):
        case "NEST":
            return _nest(desk, state["unit"], label.sscc)
        case "MERGE":
            return _merge(desk, state["unit"], label.sscc)
        case "SPLIT":
            return _split(desk, state, label.sscc)
        case _ if state.get("unit") not in (None, label.sscc):
            raise unit_mistakes.WordFirst(sscc=state["unit"])
        case _:
            return _choose(desk, label.sscc)


def _choose(desk: Desk, sscc: str) -> Answer:
    unit = units_board.at_hand(desk, sscc)
    inside = units_board.inside(desk, unit)
    desk.context.pending = {"unit": sscc}
    values = {
        "sscc": sscc, "qty": sum(one.qty for one in inside), "place": inside[0].place_code if inside else "-",
        "parent": unit.parent_sscc or "-",
    }  # fmt: skip
    text = N_("%(sscc)s: %(qty)s pieces at %(place)s. Scan NEST, SPLIT or MERGE.")
    if unit.parent_sscc is not None:
        text = N_("%(sscc)s: %(qty)s pieces at %(place)s, in %(parent)s. Scan TAKEOUT, NEST, SPLIT or MERGE.")
    return _ok(desk, "unit_chosen", text, values, sscc)


def _word(desk: Desk, word: str) -> Answer:
    sscc = _state(desk).get("unit")
    if sscc is None:
        raise unit_mistakes.UnitFirst
    if word == "TAKEOUT":
        return _take_out(desk, sscc)
    desk.context.pending = {"unit": sscc, "word": word}
    if word == "SPLIT":
        text = N_("Scan QTY and the item's label for all that goes out of %(sscc)s, then DONE.")
        return _ok(desk, "split_begun", text, {"sscc": sscc}, sscc)
    text = N_("Scan the unit that %(sscc)s goes into.")
    if word == "MERGE":
        text = N_("Scan the unit into which all that lies in %(sscc)s goes.")
    return _ok(desk, "other_unit_asked", text, {"sscc": sscc}, sscc)


def _nest(desk: Desk, sscc: str, into: str) -> Answer:
    units_board.at_hand(desk, sscc)
    units_board.at_hand(desk, into)
    units.nest(desk.session, sscc, into, _deed(desk))
    desk.context.pending = None
    text = N_("%(sscc)s stands in %(into)s now.")
    return _ok(desk, "unit_nested", text, {"sscc": sscc, "into": into}, sscc, is_undoable=True)


def _take_out(desk: Desk, sscc: str) -> Answer:
    unit = units_board.at_hand(desk, sscc)
    units.take_out(desk.session, sscc, _deed(desk))
    desk.context.pending = None
    text = N_("%(sscc)s is taken out of %(parent)s.")
    values = {"sscc": sscc, "parent": unit.parent_sscc or "-"}
    return _ok(desk, "unit_taken_out", text, values, sscc, is_undoable=True)


def _merge(desk: Desk, sscc: str, into: str) -> Answer:
    unit = units_board.at_hand(desk, sscc)
    units_board.at_hand(desk, into)
    units_board.refuse_promised(desk, unit)
    done = repacking.merge(desk.session, [sscc], into, _deed(desk))
    desk.posting_id = done.posting_id
    desk.context.pending = None
    text = N_("All that lay in %(sscc)s lies in %(into)s now. %(sscc)s is empty.")
    return _ok(desk, "units_merged", text, {"sscc": sscc, "into": into}, into, is_undoable=True)


def _goods(desk: Desk, label: Label) -> Answer:
    state = _state(desk)
    match state:
        case {"word": "SPLIT"}:
            pass
        case {"word": _}:
            raise unit_mistakes.OtherUnitWanted(sscc=state["unit"])
        case {"unit": sscc}:
            raise unit_mistakes.WordFirst(sscc=sscc)
        case _:
            raise unit_mistakes.UnitFirst
    unit = units_board.at_hand(desk, state["unit"])
    before = _wishes(state)
    wish = units_board.wanted(desk, unit, label, before)
    _set(desk, lines=[asdict(one) for one in (*before, wish)])
    desk.clear_next()
    values = {"qty": wish.qty, "item": _names(desk, unit, wish), "sscc": unit.sscc, "total": _total([*before, wish])}
    text = N_("%(qty)s × %(item)s out of %(sscc)s, %(total)s in all. Scan more, DONE, or the unit that it goes into.")
    return _ok(desk, "split_goods", text, values, unit.sscc)


def _names(desk: Desk, unit: unit_queries.UnitRow, wish: Wanted) -> dict[str, str]:
    lying = unit_queries.contents(desk.session, [unit.id])
    return next(one.names for one in lying if one.account.trade_item_id == wish.trade_item_id)


def _wishes(state: Mapping[str, Any]) -> list[Wanted]:
    return [Wanted(**{**line, "serials": tuple(line["serials"])}) for line in state.get("lines", ())]


def _total(wishes: list[Wanted]) -> int:
    return sum(one.qty for one in wishes)


def _split(desk: Desk, state: Mapping[str, Any], into: str | None) -> Answer:
    """Post what was scanned: into a new unit, or into one that is there."""
    wishes = _wishes(state)
    sscc = state["unit"]
    if not wishes:
        raise unit_mistakes.NothingSplitYet(sscc=sscc)
    units_board.at_hand(desk, sscc)
    if into is None:
        done = repacking.split(desk.session, sscc, wishes, _deed(desk))
        text = N_("%(qty)s pieces of %(sscc)s lie in the new unit %(into)s. Print its label and stick it on.")
    else:
        units_board.at_hand(desk, into)
        done = repacking.repack(desk.session, sscc, wishes, into, _deed(desk))
        text = N_("%(qty)s pieces of %(sscc)s lie in %(into)s now.")
    desk.posting_id = done.posting_id
    desk.context.pending = None
    code = "unit_split" if into is None else "goods_repacked"
    values = {"qty": _total(wishes), "sscc": sscc, "into": done.sscc}
    return _ok(desk, code, text, values, done.sscc, is_undoable=True, print_label=into is None)


def command(desk: Desk, given: Command) -> Answer:
    """Answer a command barcode."""
    match given.verb:
        case Verb.QTY:
            desk.context.next_qty = given.qty
            return _ok(desk, "quantity_set", N_("The next label counts %(qty)s times."), {"qty": given.qty}, None)
        case Verb.DONE | Verb.CONFIRM if _state(desk).get("word") == "SPLIT":
            return _split(desk, _state(desk), None)
        case Verb.UNDO:
            return _undo(desk, given.text)
        case Verb.BACK:
            return _back(desk)
        case _:
            raise mistakes.NothingToConfirm


def _undo(desk: Desk, key: str | None) -> Answer:
    if desk.context.pending and key is None:
        return _back(desk)
    scan = units_undo.undo(desk, key, _deed(desk))
    return _ok(desk, "unit_undone", N_("Undone: the units are as they were before."), {"key": scan.key}, None)


def _back(desk: Desk) -> Answer:
    """Take back the last thing said: goods that go over, what is to be done, the unit."""
    desk.clear_next()
    state = _state(desk)
    for name in ("lines", "word", "unit"):
        if state.get(name):
            left = state[name][:-1] if name == "lines" else None
            _set(desk, **{name: left or None})
            break
    return _ok(desk, "put_down", N_("Put down. Nothing was booked."), {}, None)


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the desk for units."""
    match _state(desk).get("word"):
        case "SPLIT":
            return (Expect.GOODS, Expect.QTY, Expect.CONFIRM, Expect.TOTE)
        case None if _state(desk).get("unit") is not None:
            return (Expect.WORD,)
        case _:
            return (Expect.TOTE,)


def _ok(
    desk: Desk, code: str, text: str, values: Mapping[str, Any], sscc: str | None, *, is_undoable: bool = False,
    print_label: bool = False,
) -> Answer:  # fmt: skip
    understood: dict[str, Any] = {"kind": "unit", "sscc": sscc} if sscc else {}
    if print_label:
        understood["print_label"] = True
    return Answer(Outcome.OK, code, text, values, None, expects(desk), understood, is_undoable=is_undoable)


JOB = Job("units", follow_screen, command, step, expects)
