"""What customs is asked about: the vehicle as it was seen and the pass it would go on. Its answer holds for that alone.

While customs thinks, another plate may win the vote, a weight may change, a pass be replaced: a lift that was said of
one state says nothing about another.
"""

from typing import Any

from wms.gate.rules.facts import Case


def asked_about(case: Case, pass_id: int | None) -> dict[str, Any]:
    """The state that an answer is for, as JSON. Weights in grams, lists in an order of their own."""
    seen = case.seen
    own = next((one for one in case.passes if one.pass_id == pass_id), None)
    return {
        "plate": seen.plate,
        "trailer_plate": seen.trailer_plate,
        "containers": sorted(box.number for box in seen.containers),
        "weight_g": seen.weight_g or None,
        "pass": None
        if own is None
        else {
            "number": own.number,
            "containers": sorted(own.containers),
            "total_weight_g": own.total_weight_g,
            "documents": sorted(document.number for document in own.documents),
        },
    }
