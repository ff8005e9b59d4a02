"""How a status looks on a page; what it is called stands in words.py."""

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


def state_of(code: str) -> str:
    """Return ok, warn, stop, busy or none: how a chip of this status looks."""
    return STATES.get(code, "none")
