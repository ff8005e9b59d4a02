"""What the codes of fence and video are called on a page."""

from web.pages.gate_words import NAMES as GATE_NAMES
from wms.errors import N_

SECTION_STATES = {
    "alarm": ("stop", N_("alarm")),
    "taken": ("warn", N_("being looked at")),
    "disarmed": ("none", N_("disarmed")),
    "quiet": ("ok", N_("quiet")),
}
STEPS = {
    "acknowledge": N_("acknowledge"),
    "dispatch": N_("send somebody"),
    "settle": N_("settle"),
    "review": N_("review"),
}
OUTCOMES = {
    "real": N_("real"),
    "false": N_("false alarm"),
    "test": N_("test"),
}
FIGURES = {
    "height_mm": N_("height"),
    "mesh_mm2": N_("mesh"),
    "post_gap_mm": N_("gap between posts"),
    "barbed_rows": N_("rows of barbed wire"),
    "strip_inside_mm": N_("strip inside"),
    "strip_outside_mm": N_("strip outside"),
}
FLAGS = {
    "replayed": N_("sent again later by the device"),
    "retained": N_("an old message kept by the broker"),
    "late": N_("older than five seconds when it came"),
    "ahead": N_("the device's clock is ahead"),
}
ROUNDS = {
    "open": ("busy", N_("being walked")),
    "done": ("ok", N_("walked")),
    "missed": ("stop", N_("missed")),
}
LOOKS_AT = {
    "lane": N_("lane"),
    "section": N_("fence section"),
    "bin": N_("bin"),
}


def figure(name: str, value: int | None) -> str:
    """A facility figure with its unit."""
    if value is None:
        return "–"
    if name == "barbed_rows":
        return str(value)
    if name == "mesh_mm2":
        return f"{value / 1_000_000:g} m²"
    return f"{value / 1000:g} m"


NAMES = {
    **GATE_NAMES,
    "SECTION_STATES": SECTION_STATES,
    "STEPS": STEPS,
    "OUTCOMES": OUTCOMES,
    "FIGURES": FIGURES,
    "FLAGS": FLAGS,
    "ROUNDS": ROUNDS,
    "LOOKS_AT": LOOKS_AT,
    "figure": figure,
}
