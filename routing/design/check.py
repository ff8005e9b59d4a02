"""The independent checker of network designs: re-reads a finished plan (its JSON form) against the problem alone.

It shares no code with the solvers: connection, time, sharing, capacity and every sum are computed here a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from routing.design.instance import Instance

ONE = 1_000_000


def check(instance: Instance, plan: dict[str, Any]) -> list[str]:
    """Every fault of the plan in words, ``rule: where: text``; an empty list for a sound one."""
    return list(_findings(instance, plan))


def _findings(instance: Instance, plan: dict[str, Any]) -> Iterator[str]:
    if plan["snapshot_sha256"] != instance.snapshot_sha256():
        yield "snapshot: plan: made for another problem"
    if plan["kind"] != instance.kind:
        yield f"kind: plan: is of kind {plan['kind']}, the problem of {instance.kind}"
    if plan["state"] == "infeasible":
        if not plan["unserved"]:
            yield "reason: plan: calls itself infeasible and names no commodity and reason"
        return
    broken = list(_moves(instance, plan["moves"])) + list(_amounts(instance, plan))
    yield from broken
    if broken:
        return
    value = _timed_value(instance, plan) if instance.kind == "ctsndp" else _flow_value(instance, plan)
    if instance.kind == "dow":
        yield from _capacities(instance, plan)
    if plan["value_micro"] != value:
        yield f"value: plan: adds up to {value} micro, the plan says {plan['value_micro']}"
    if not 0 <= plan["bound_micro"] <= plan["value_micro"]:
        yield "bound: plan: the bound lies above the value or below nothing"
    gap = Fraction((plan["value_micro"] - plan["bound_micro"]) * 10**6, plan["value_micro"] or 1)
    if plan["gap_ppm"] < gap or plan["gap_ppm"] >= gap + 1:
        yield "gap: plan: is not that of value and bound"


def _moves(instance: Instance, moves: list[dict[str, Any]]) -> Iterator[str]:
    for number, move in enumerate(moves):
        where, k = f"move {number}", move["commodity"]
        if not 0 <= k < len(instance.commodities):
            yield f"name: {where}: there is no commodity {k}"
            continue
        if not move["arcs"] or not all(0 <= a < len(instance.arcs) for a in move["arcs"]):
            yield f"name: {where}: has no arc, or one that does not exist"
            continue
        one, chain = instance.commodities[k], [instance.arcs[a] for a in move["arcs"]]
        if chain[0].tail != one.origin or chain[-1].head != one.destination:
            yield f"ends: {where}: does not lead from the origin to the destination of commodity {k}"
        if any(before.head != after.tail for before, after in pairwise(chain)):
            yield f"chain: {where}: its arcs do not join"
        if instance.kind == "ctsndp":
            yield from _times(instance, where, move)


def _times(instance: Instance, where: str, move: dict[str, Any]) -> Iterator[str]:
    one = instance.commodities[move["commodity"]]
    if len(move["departs"]) != len(move["arcs"]):
        yield f"departures: {where}: has {len(move['arcs'])} arcs and {len(move['departs'])} departures"
        return
    here = one.release
    for arc, at in zip(move["arcs"], move["departs"], strict=True):
        if at < here:
            yield f"time: {where}: leaves on arc {arc} at {at}, is there at {here}"
        here = at + instance.arcs[arc].transit
    if here > one.due:
        yield f"due: {where}: arrives at {here}, due at {one.due}"


def _amounts(instance: Instance, plan: dict[str, Any]) -> Iterator[str]:
    sent: dict[int, list[int]] = defaultdict(list)
    for move in plan["moves"]:
        sent[move["commodity"]].append(move["amount_micro"])
    for k, one in enumerate(instance.commodities):
        parts = sent.get(k, [])
        if sum(parts) != one.quantity * ONE or any(part <= 0 for part in parts):
            yield f"amount: commodity {k}: {sum(parts)} micro-units go, {one.quantity * ONE} should"
        if instance.kind == "ctsndp" and len(parts) > 1:
            yield f"split: commodity {k}: takes {len(parts)} paths"


def _timed_value(instance: Instance, plan: dict[str, Any]) -> int:
    aboard: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    total = 0
    for move in plan["moves"]:
        quantity = instance.commodities[move["commodity"]].quantity
        for arc, at in zip(move["arcs"], move["departs"], strict=True):
            aboard[arc][at] += quantity
            total += instance.arcs[arc].variable * quantity
    for arc, departures in aboard.items():
        for load in departures.values():
            full, rest = divmod(load, instance.arcs[arc].capacity)
            total += instance.arcs[arc].fixed * (full + (rest > 0))
    return total * ONE


def _flow_value(instance: Instance, plan: dict[str, Any]) -> int:
    total = ONE * sum(arc.fixed for number, arc in enumerate(instance.arcs) if number in plan["opened"])
    for move in plan["moves"]:
        amount: int = move["amount_micro"]
        total += amount * sum(instance.arcs[arc].variable for arc in move["arcs"])
    return total


def _capacities(instance: Instance, plan: dict[str, Any]) -> Iterator[str]:
    flow: dict[int, int] = defaultdict(int)
    for move in plan["moves"]:
        for arc in move["arcs"]:
            flow[arc] += move["amount_micro"]
    for arc, amount in flow.items():
        if arc not in plan["opened"]:
            yield f"opened: arc {arc}: carries goods and is not paid for"
        if amount > instance.arcs[arc].capacity * ONE:
            yield f"capacity: arc {arc}: carries {amount} micro-units of {instance.arcs[arc].capacity * ONE}"
