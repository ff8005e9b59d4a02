"""What codes of the books are called on a page: statuses, kinds, states. The code stays what scripts rely on."""

from flask import Flask
from flask_babel import gettext

from wms.errors import N_

WORDS = {
    "customs_status": {"free": N_("free circulation"), "bonded": N_("bonded"), "export": N_("declared for export")},
    "quality_status": {
        "good": N_("good"),
        "hold": N_("on hold"),
        "damaged": N_("damaged"),
        "quarantine": N_("in quarantine"),
        "expired": N_("past its expiry"),
    },
    "account": {
        "location": N_("in its place"),
        "in_transit": N_("in transit"),
        "in_process": N_("being worked on"),
        "declared_not_left": N_("declared, waiting to leave"),
        "discrepancy": N_("discrepancy"),
        "supplier": N_("supplier"),
        "customer": N_("delivered"),
        "transformation": N_("transformation"),
        "adjustment": N_("adjustment"),
        "book": N_("account book"),
        "not_yet_booked": N_("received, not yet booked"),
        "deduction_pending": N_("deduction pending"),
        "customs_source": N_("customs"),
    },
    "pass_state": {
        "draft": N_("draft"),
        "applied": N_("applied for"),
        "approved": N_("approved"),
        "passed_first": N_("through the first gate"),
        "passed": N_("through the gate"),
        "deleted": N_("deleted"),
        "void": N_("void"),
    },
    "consignment_state": {
        "open": N_("waits for a plan"),
        "booked": N_("booked"),
        "under_way": N_("under way"),
        "delivered": N_("arrived"),
        "cancelled": N_("cancelled"),
    },
    "posting": {
        "receipt": N_("receipt"),
        "receipt_shortage": N_("shortage at receipt"),
        "put_away": N_("put away"),
        "move": N_("move"),
        "count": N_("count"),
        "list_booked": N_("verification list booked"),
        "declare_leaving": N_("declared to leave"),
        "gate_out": N_("out through the gate"),
        "deduction": N_("deduction from the account book"),
        "pass_voided": N_("gate pass voided"),
        "reversal": N_("reversal"),
        "opening_balance": N_("opening balance"),
        "cold_hold": N_("held for temperature"),
        "cold_release": N_("released after review"),
        "cold_condemn": N_("spoilt by temperature"),
        "transfer_depart": N_("transfer departed"),
        "transfer_arrive": N_("transfer arrived"),
        "transfer_turn_back": N_("transfer turned back"),
        "transfer_found": N_("missing goods found"),
        "transfer_lost": N_("missing goods written off"),
        "transfer_accepted": N_("surplus accepted"),
        "transfer_sent_back": N_("surplus sent back"),
    },
    "unit": {
        "piece": N_("pc"),
        "bottle": N_("bottle"),
        "box": N_("box"),
        "carton": N_("carton"),
        "set": N_("set"),
        "pair": N_("pair"),
        "bag": N_("bag"),
        "kg": N_("kg"),
        "g": N_("g"),
    },
    "task": {
        "put_away": N_("Put away"),
        "pick": N_("Pick"),
        "pack": N_("Pack"),
        "sort": N_("Sort"),
        "load": N_("Load"),
        "unload": N_("Unload"),
        "replenish": N_("Replenish"),
        "move": N_("Move"),
        "count": N_("Count"),
        "inspect": N_("Inspect"),
        "return": N_("Return"),
        "process": N_("Work on"),
        "destroy": N_("Destroy"),
    },
    "print_state": {"queued": N_("waits"), "printed": N_("printed"), "failed": N_("failed")},
    "temperature": {"ambient": N_("ambient"), "chilled": N_("chilled"), "frozen": N_("frozen")},
    "milestone": {
        "collected": N_("collected"),
        "cut_off": N_("cut-off"),
        "departure": N_("departure"),
        "arrival": N_("arrival"),
        "stripped": N_("unpacked from its box"),
        "delivery": N_("delivery"),
    },
    "temperature_class": {"ambient": N_("ambient"), "chilled": N_("chilled"), "frozen": N_("frozen")},
    "temperature_finding": {
        "gap": N_("silent"),
        "implausible": N_("implausible"),
        "stuck": N_("never changes"),
        "conflict": N_("contradicts itself"),
        "battery": N_("battery low"),
    },
    "breach_state": {
        "running": N_("out of limits now"),
        "ended": N_("over, to be reviewed"),
        "withdrawn": N_("withdrawn by later readings"),
        "reviewed": N_("reviewed"),
    },
    "cold_hold": {
        "held": N_("on hold"),
        "found": N_("was on hold already"),
        "gone": N_("had gone before"),
        "decided": N_("decided"),
        "good": N_("good"),
        "damaged": N_("damaged"),
    },
    "transfer_state": {
        "open": N_("drawn up, stock reserved"),
        "loaded": N_("loaded"),
        "in_transit": N_("in transit"),
        "arriving": N_("arrived in part"),
        "received": N_("received"),
        "returning": N_("on its way back"),
        "returned": N_("returned"),
        "cancelled": N_("cancelled"),
    },
    "mode": {
        "truck": N_("Truck"),
        "barge": N_("Barge"),
        "ocean": N_("Ocean"),
        "rail": N_("Rail"),
        "air": N_("Air"),
    },
    "discrepancy": {"short": N_("missing"), "over": N_("too many")},
    "settlement": {
        "found": N_("found"),
        "lost": N_("written off"),
        "accepted": N_("accepted"),
        "sent_back": N_("sent back"),
    },
    "arrival": {"good": N_("good"), "damaged": N_("damaged"), "over": N_("too many")},
    "direction": {"I": N_("in"), "E": N_("out")},
    "unit_kind": {
        "pallet": N_("pallet"),
        "carton": N_("carton"),
        "crate": N_("crate"),
        "roll": N_("roll container"),
        "container": N_("container"),
        "parcel": N_("parcel"),
    },
}
STATES = {  # how a status is coloured; what is not named is neutral
    "good": "ok",
    "approved": "ok",
    "passed": "ok",
    "booked": "ok",
    "delivered": "ok",
    "received": "ok",
    "in_transit": "lake",
    "arriving": "lake",
    "returning": "warn",
    "returned": "warn",
    "hold": "stop",
    "damaged": "stop",
    "quarantine": "stop",
    "expired": "stop",
    "void": "stop",
    "deleted": "stop",
    "cancelled": "stop",
    "open": "busy",
    "applied": "busy",
}


def word(table: str, code: str) -> str:
    """Return what ``code`` is called in the page's language; an unknown code is shown as it is."""
    text = WORDS[table].get(code)
    return str(gettext(text)) if text else code


def state_of(code: str) -> str:
    """Return ok, warn, stop, busy or none: how a chip of this status looks."""
    return STATES.get(code, "none")


def install_words(app: Flask) -> None:
    app.jinja_env.globals.update(word=word, state_of=state_of, words_of=lambda table: WORDS[table])
