"""The proof of a decision in words: what each check looked at, which facts the record holds, accounts of a posting."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from web.formats import DASH, instant, weight
from wms.errors import N_

INPUTS = {
    "fresh": N_("live readings"),
    "lane": N_("lane"),
    "open": N_("in use"),
    "plate": N_("plate"),
    "confidence_permille": N_("confidence"),
    "wanted_permille": N_("wanted"),
    "registered": N_("registered"),
    "registered_until": N_("registered until"),
    "blacklisted_for": N_("blacklisted for"),
    "vehicle_kind": N_("vehicle"),
    "lane_kind": N_("lane for"),
    "tag": N_("e-plate"),
    "tag_plate": N_("e-plate belongs to"),
    "needed": N_("asked for in this lane"),
    "direction": N_("direction"),
    "stage": N_("gate stage"),
    "passes": N_("passes found"),
    "pass": N_("pass"),
    "claimed": N_("in use by another lane"),
    "trailer_plate": N_("trailer seen"),
    "pass_trailer_plate": N_("trailer on the pass"),
    "containers": N_("containers seen"),
    "pass_containers": N_("containers on the pass"),
    "missing": N_("not read in time"),
    "seals": N_("seals seen"),
    "pass_seal": N_("seal on the pass"),
    "broken_seals": N_("seals opened"),
    "moved": N_("came"),
    "orders": N_("control orders"),
    "order": N_("order on the pass"),
    "documents": N_("documents"),
    "pass_type": N_("type of pass"),
    "goods_missing": N_("goods missing"),
    "weight_g": N_("weighed"),
    "pass_weight_g": N_("weight on the pass"),
    "difference_g": N_("difference"),
    "allowed_g": N_("allowed difference"),
    "share_bp": N_("tolerance"),
    "absolute_g": N_("but at least"),
    "tolerance_row": N_("tolerance no."),
    "relaxed": N_("relaxed for registered goods on entry"),
    "at": N_("decided"),
    "valid_from": N_("valid from"),
    "valid_until": N_("valid until"),
    "answer": N_("answer of the customs platform"),
}
WORDS = {
    "goods": N_("goods"),
    "passenger": N_("passengers"),
    "temporary": N_("temporary traffic"),
    "I": N_("into the zone"),
    "E": N_("out of the zone"),
    "forward": N_("forwards"),
    "backward": N_("backwards"),
    "inspect": N_("inspect"),
    "detain": N_("detain"),
    "stop": N_("stop"),
    "lift": N_("may pass"),
    "hold": N_("hold"),
}
SAID = {name: WORDS[name] for name in ("lift", "hold", "stop", "detain", "inspect")}
LEAVES = {
    "gate_pass_approved": N_("gate pass approved"),
    "gate_decision": N_("decision of the gate"),
    "release_requested": N_("release asked for"),
    "release_granted": N_("release granted"),
    "release_refused": N_("release refused"),
    "passage": N_("passage confirmed"),
    "posting": N_("goods posted"),
    "barrier_command": N_("barrier command"),
    "customs_asked": N_("customs asked"),
    "customs_answer": N_("customs answered"),
    "customs_answer_late": N_("customs answered too late"),
    "passage_photo": N_("picture added"),
    "manual_opening": N_("opened by hand"),
    "control_order": N_("control order given"),
    "control_withdrawn": N_("control order withdrawn"),
}
DOCUMENTS = {
    "1": N_("verification list"),
    "2": N_("movement slip"),
    "3": N_("bill of lading"),
}


def inputs_words(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a check looked at, as (name, value) in words; what says nothing is left out."""
    return [
        (str(_(INPUTS[name])) if name in INPUTS else name, said)
        for name, value in inputs.items()
        if (said := _value(name, value))
    ]


def _value(name: str, value: Any) -> str:
    if value is None or (isinstance(value, list | dict) and not value):
        return ""
    if isinstance(value, dict):
        return ", ".join(filter(None, (_named(key, said) for key, said in value.items())))
    if isinstance(value, list):
        return ", ".join(_in_list(one) for one in value) or DASH
    return _plain(name, value)


def _plain(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, datetime):
        return instant(value)
    if name.endswith("_g"):
        return str(weight(value))
    if name.endswith(("_permille", "_bp")):
        return f"{value / (10 if name.endswith('_permille') else 100):g} %"
    return str(_(WORDS[value])) if value in WORDS else str(value)


def _named(key: str, said: Any) -> str:
    if said is True:
        return f"{key} ({_('released')})"
    if said is False:
        return f"{key} ({_('not released')})"
    return f"{key} ({_plain('', said)})" if said else key


def _in_list(one: Any) -> str:
    return f"{one['number']} {one['plate']}" if isinstance(one, dict) else str(one)
