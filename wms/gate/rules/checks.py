"""The ordered decision of the gate (customs reference, 5.2): the first check that fails holds the vehicle.

``ORDER`` is the whole rule. Each check looks at the case and answers with the code of its hold, or with None. Step 1
of the reference (a sequence number that was seen) belongs to the service: the stored answer is given again.

Rules have a version, and a stored decision is decided again by the rules of its own version (``VERSIONS``): a change of
the order or of a check is a new version. A check that only looks at facts that older cases do not have may be shared.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wms.errors import N_, WmsError
from wms.gate.rules.facts import NEEDS_NO_DOCUMENT, Case, PassFacts
from wms.gate.rules.holds import Hold, hold_of
from wms.gate.rules.weight import compare_weight

RULE_VERSION = "gate-2"
LONG_FT = 20  # beside a longer container no second one has room


@dataclass(frozen=True)
class CheckResult:
    """One line of the explanation: ``outcome`` is ok, hold or not_reached.

    ``hold_code`` of a check that was not reached says what it would have held for: an officer who lets the vehicle go
    answers for that as well.
    """

    check: str
    outcome: str
    hold_code: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Lift or hold, with the line of every check, and the pass it rests on where one is sure."""

    lift: bool
    hold: Hold | None
    checks: tuple[CheckResult, ...]
    pass_id: int | None

    @property
    def codes(self) -> tuple[str, ...]:
        """Every hold that applies, the deciding one first."""
        return tuple(check.hold_code for check in self.checks if check.hold_code)


def open_passes(case: Case) -> list[PassFacts]:
    """Return the passes for the seen plate that are open for this direction and stage."""
    return [p for p in case.passes if p.plate == case.seen.plate and p.is_open_for(case.lane)]


def the_pass(case: Case) -> PassFacts | None:
    """Return the one pass that is sure, None when there is none or more than one."""
    found = open_passes(case)
    return found[0] if len(found) == 1 else None


def seems_empty(case: Case) -> bool:
    """Whether the vehicle weighs no more than its registered tare and tolerance, and carries no container."""
    if case.vehicle is None or not case.vehicle.tare_g or not case.seen.weight_g or case.seen.containers:
        return False
    return compare_weight(case.seen.weight_g, case.vehicle.tare_g, case.tolerance).outcome != "high"


def _fresh(case: Case) -> str | None:
    return None if case.seen.is_fresh else "readings_stale"


def _lane(case: Case) -> str | None:
    return None if case.lane.is_open else "lane_closed"


def _plate(case: Case) -> str | None:
    if case.seen.plate is None or case.seen.plate_confidence_permille < case.lane.min_confidence_permille:
        return "plate_unread"
    return None


def _moved(case: Case) -> str | None:
    return "wrong_way" if case.seen.moved == "backward" else None


def _vehicle(case: Case) -> str | None:
    vehicle = case.vehicle
    if vehicle is None or not vehicle.is_registered:
        return "vehicle_unknown"
    if vehicle.registered_until_at is not None and vehicle.registered_until_at <= case.decided_at:
        return "vehicle_lapsed"
    return None


def _blacklisted(case: Case) -> str | None:
    return "blacklisted" if case.vehicle is not None and case.vehicle.blacklisted_for is not None else None


def _vehicle_1(case: Case) -> str | None:
    """As gate-1 asked, in one: register, blacklist, validity."""
    known = case.vehicle is not None and case.vehicle.is_registered
    return (_blacklisted(case) if known else None) or _vehicle(case)


def _kind_of_lane(case: Case) -> str | None:
    goods_vehicle = case.vehicle is not None and case.vehicle.kind == "goods"
    return "wrong_lane" if goods_vehicle and case.lane.kind != "goods" else None


def _tag(case: Case) -> str | None:
    if case.seen.tag is None:
        return "tag_missing" if case.lane.needs_tag else None
    return None if case.seen.tag_plate == case.seen.plate else "tag_differs"


def _exactly_one_pass(case: Case) -> str | None:
    found = open_passes(case)
    if len(found) > 1:
        return "several_passes"
    if found:
        return None
    if any(p.plate != case.seen.plate and p.is_open_for(case.lane) for p in case.passes):
        return "plate_differs"
    return "empty_needs_pass" if seems_empty(case) else "no_pass"


def _unclaimed(gate_pass: PassFacts, _case: Case) -> str | None:
    return "pass_in_use" if gate_pass.is_claimed else None


def _trailer(gate_pass: PassFacts, case: Case) -> str | None:
    seen = case.seen.trailer_plate
    return "trailer_differs" if gate_pass.trailer_plate and seen and seen != gate_pass.trailer_plate else None


def _container(gate_pass: PassFacts, case: Case) -> str | None:
    seen = case.seen.containers
    if any(not container.check_digit_ok or not container.recognised for container in seen):
        return "container_invalid"
    if len(seen) > 1 and any((container.length_ft or 0) > LONG_FT for container in seen):
        return "container_sizes"
    numbers = {container.number for container in seen}
    if numbers - set(gate_pass.containers):
        return "container_differs"
    return "container_missing" if set(gate_pass.containers) - numbers or "container" in case.seen.missing else None


def _seal(gate_pass: PassFacts, case: Case) -> str | None:
    if case.seen.broken_seals:
        return "seal_broken"
    if case.lane.needs_seal and gate_pass.seal and not case.seen.seals:
        return "seal_missing"
    wrong = gate_pass.seal and case.seen.seals and gate_pass.seal not in case.seen.seals
    return "seal_differs" if wrong else None


def _control(case: Case) -> str | None:
    """An order on the vehicle acts also where no pass is sure; one on the goods through the pass that names them."""
    orders: set[str | None] = {order.order for order in case.orders}
    if (gate_pass := the_pass(case)) is not None:
        orders |= {gate_pass.control_order, *(document.control_order for document in gate_pass.documents)}
    return next((f"control_{order}" for order in ("stop", "detain", "inspect") if order in orders), None)


def _released(gate_pass: PassFacts, _case: Case) -> str | None:
    if gate_pass.pass_type in NEEDS_NO_DOCUMENT:
        return None
    if not gate_pass.documents or not all(document.is_released for document in gate_pass.documents):
        return "not_released"
    return None


def _goods(gate_pass: PassFacts, _case: Case) -> str | None:
    return "goods_not_declared" if gate_pass.goods_missing else None


def _weight(gate_pass: PassFacts, case: Case) -> str | None:
    finding = compare_weight(case.seen.weight_g, gate_pass.total_weight_g, case.tolerance)
    if finding.outcome == "within" or case.tolerance.is_relaxed:
        return None
    if finding.outcome == "not_weighed":
        needed = case.lane.needs_weight and not case.tolerance.unweighed_may_pass
        return "not_weighed" if needed else None
    return f"weight_{finding.outcome}"


def _window(gate_pass: PassFacts, case: Case) -> str | None:
    if case.decided_at < gate_pass.valid_from_at:
        return "too_early"
    return "too_late" if case.decided_at > gate_pass.valid_until_at else None


def _customs_answer(_pass: PassFacts, case: Case) -> str | None:
    agreed = case.seen.customs_answer == "lift"
    return "customs_says_hold" if case.lane.needs_customs_answer and not agreed else None


def _of_pass(check: Callable[[PassFacts, Case], str | None]) -> Callable[[Case], str | None]:
    def with_pass(case: Case) -> str | None:
        gate_pass = the_pass(case)
        return None if gate_pass is None else check(gate_pass, case)

    return with_pass


Order = tuple[tuple[str, Callable[[Case], str | None]], ...]

ORDER: Order = (
    ("fresh", _fresh),
    ("lane", _lane),
    ("plate", _plate),
    ("way", _moved),
    ("lane_kind", _kind_of_lane),
    ("vehicle", _vehicle),
    ("blacklist", _blacklisted),
    ("tag", _tag),
    ("pass", _exactly_one_pass),
    ("claim", _of_pass(_unclaimed)),
    ("trailer", _of_pass(_trailer)),
    ("container", _of_pass(_container)),
    ("seal", _of_pass(_seal)),
    ("control", _control),
    ("released", _of_pass(_released)),
    ("goods", _of_pass(_goods)),
    ("weight", _of_pass(_weight)),
    ("window", _of_pass(_window)),
    ("customs_answer", _of_pass(_customs_answer)),
)


_BY_NAME = dict(ORDER)
_ORDER_1 = (
    "fresh", "lane", "plate", "vehicle", "lane_kind", "tag", "pass", "claim", "trailer", "container", "seal", "control",
    "released", "goods", "weight", "window", "customs_answer",
)  # fmt: skip
VERSIONS: dict[str, Order] = {
    "gate-1": tuple((name, _vehicle_1 if name == "vehicle" else _BY_NAME[name]) for name in _ORDER_1),
    RULE_VERSION: ORDER,
}


class UnknownRules(WmsError):
    code = "unknown_rules"
    text = N_("This program does not know the rules %(version)s, under which the decision was made.")


def _needs_pass(case: Case) -> bool:
    """A passenger vehicle in a passenger lane carries no goods and needs no gate pass."""
    return not (case.vehicle is not None and case.vehicle.kind == "passenger" and case.lane.kind == "passenger")


def decide(case: Case, version: str = RULE_VERSION) -> Verdict:
    """Return the verdict: the first failing check of the version's order holds.

    The checks after it are not reached: they decide nothing, but say what else would hold. Raises UnknownRules.
    """
    if version not in VERSIONS:
        raise UnknownRules(version=version)
    results: list[CheckResult] = []
    code: str | None = None
    for name, check in VERSIONS[version]:
        found = None if name == "pass" and not _needs_pass(case) else check(case)
        if code is not None:
            results.append(CheckResult(name, "not_reached", found))
            continue
        code = found
        results.append(CheckResult(name, "ok" if code is None else "hold", code))
    gate_pass = the_pass(case)
    return Verdict(
        code is None,
        hold_of(code) if code else None,
        tuple(results),
        gate_pass.pass_id if gate_pass else None,
    )
