"""A finished state of the search turned into a plan document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import ortools

from routing.consolidate import Bounded
from routing.paths import Paths, Reason
from routing.plan import (
    Assignment,
    Baselines,
    Conflict,
    Plan,
    PlanBox,
    PlanCosts,
    PlanLeg,
    PlanLoad,
    PlanSegment,
    Unserved,
)
from routing.problem import Problem
from routing.shares import MEASURE, Part, Rule, split
from routing.state import UNSERVED, Box, State
from routing.stowage import Stower
from routing.tariff import LOOSE, Kind, cheapest_loose
from routing.units import gap_ppm

SOLVER = f"HiGHS {version('highspy')}, OR-Tools {ortools.__version__}"


class Writer:
    """Turns a finished state into a plan document."""

    def __init__(
        self,
        problem: Problem,
        paths: Paths,
        state: State,
        bounded: Bounded,
        baselines: Baselines,
        alone: dict[int, int],
        stower: Stower,
        share: Rule = MEASURE,
    ) -> None:
        self._problem, self._paths, self._state = problem, paths, state
        self._bounded, self._baselines, self._alone = bounded, baselines, alone
        self._goods = problem.consignments
        self._stower, self._share = stower, share

    def plan(
        self, *, seed: int, seconds: float, infeasible_proved: bool, stages_ms: dict[str, int], started_at: int
    ) -> Plan:
        """The document; boxes in order of departure, consignments in the order of the problem."""
        boxes, assignments = self._boxes()
        unserved = self._unserved()
        cost = sum(one.total_minor for one in assignments)
        objective = self._state.total_minor
        bound_minor = self._bounded.bound_minor  # never lowered: the checker must see one that is wrong
        better = min(self._baselines.b_minor, self._baselines.c_minor)
        conflicts = self._conflicts(unserved)
        nothing = bool(self._goods) and not assignments
        return Plan(
            state="infeasible" if conflicts or nothing else "solved",
            snapshot_sha256=self._problem.snapshot_sha256(),
            seed=seed,
            solver=SOLVER,
            seconds_limit=seconds,
            elapsed_ms=sum(stages_ms.values()),
            stages_ms=stages_ms,
            started_at=started_at,
            cost_minor=cost,
            left_out_minor=objective - cost,
            objective_minor=objective,
            bound_minor=bound_minor,
            gap_ppm=gap_ppm(objective, bound_minor),
            blocks=self._bounded.blocks,
            blocks_proved=self._bounded.blocks_proved,
            baselines=self._baselines,
            saving_minor=better - objective,
            saving_permille=(better - objective) * 1000 // better if better else 0,
            co2_g=sum(one.co2_g for one in assignments),
            demand_cm3=sum(one.volume_cm3 for one in self._goods),
            legs=self._legs(),
            segments=self._segments(),
            boxes=tuple(boxes),
            assignments=tuple(assignments),
            unserved=tuple(unserved),
            infeasible_proved=infeasible_proved or bool(conflicts and self._without_a_way(unserved)),
            loads=tuple(self._loads()),
            share_rule=self._share,
            conflicts=tuple(conflicts),
            canals=self._problem.network.canals,
        )

    def _without_a_way(self, unserved: list[Unserved]) -> bool:
        """Whether goods that must go, or all goods, have no way at all: that needs no further proof."""
        must = {one.id for one in self._goods if one.must_go}
        stuck = {one.consignment for one in unserved if one.reason not in {"no_capacity", "not_loadable"}}
        return bool(must & stuck) or len(stuck) == len(self._goods)

    def _used_boxes(self) -> list[Box]:
        held = {id(box): box for box in self._state.box.values()}
        groups = self._state.groups
        return sorted(
            held.values(),
            key=lambda box: (groups[box.g].segment.depart_at, groups[box.g].id, box.offer is None, min(box.items)),
        )

    def _numbered(self) -> Iterator[tuple[str, Box]]:
        """The boxes in order with their numbers."""
        for number, box in enumerate(self._used_boxes(), 1):
            yield f"B{number:04d}", box

    def _loads(self) -> Iterator[PlanLoad]:
        for name, box in self._numbered():
            if box.offer is not None:
                found = self._stower.ask(self._state.groups[box.g].offers[box.offer].code, box.items).load
                assert found is not None
                yield found.model_copy(update={"box": name})

    def _boxes(self) -> tuple[list[PlanBox], list[Assignment]]:
        boxes: list[PlanBox] = []
        by_k: dict[int, Assignment] = {}
        for name, box in self._numbered():
            boxes.append(self._box(name, box))
            ks = sorted(box.items)
            shares = self._shares(box, ks)
            for k, share in zip(ks, shares, strict=True):
                by_k[k] = self._assignment(name, box, k, share)
        return boxes, [by_k[k] for k in sorted(by_k)]

    def _shares(self, box: Box, ks: Sequence[int]) -> list[int]:
        offers = self._state.groups[box.g].offers
        parts = [
            Part(
                self._goods[k].id, self._goods[k].volume_cm3, self._goods[k].weight_g,
                self._state.ways[k][self._state.way[k]].offers,
            )
            for k in ks
        ]  # fmt: skip
        full = (box.volume_cm3, box.weight_g)
        if box.offer is not None:
            full = (offers[box.offer].full_cm3(), offers[box.offer].full_g())
        return split(self._share, box.price_minor, parts, offers, *full)

    def _box(self, name: str, box: Box) -> PlanBox:
        group = self._state.groups[box.g]
        kind: Kind
        if box.offer is None:
            bought = cheapest_loose(group.offers, box.volume_cm3, box.weight_g)
            assert bought is not None
            kind, equipment, full_cm3, full_g = LOOSE, bought[1].code, 0, 0
        else:
            offer = group.offers[box.offer]
            kind, equipment, full_cm3, full_g = offer.kind, offer.code, offer.full_cm3(), offer.full_g()
        return PlanBox(
            id=name,
            kind=kind,
            equipment=equipment,
            segment=group.segment.id,
            load_class=group.load_class,
            volume_cm3=box.volume_cm3,
            weight_g=box.weight_g,
            volume_permille=box.volume_cm3 * 1000 // full_cm3 if full_cm3 else 0,
            weight_permille=box.weight_g * 1000 // full_g if full_g else 0,
            teu=box.teu,
            kg=box.kg,
            price_minor=box.price_minor,
            consignments=tuple(self._goods[k].id for k in sorted(box.items)),
        )

    def _assignment(self, name: str, box: Box, k: int, share: int) -> Assignment:
        path = self._state.ways[k][self._state.way[k]]
        costs = path.costs
        return Assignment(
            consignment=self._goods[k].id,
            owner=self._goods[k].owner,
            box=name,
            segment=self._state.groups[box.g].segment.id,
            deliver_at=path.deliver_at,
            late_s=path.late_s,
            co2_g=path.co2_g,
            costs=PlanCosts(
                feeder_minor=costs.feeder_minor,
                handling_minor=costs.handling_minor,
                onward_minor=costs.onward_minor,
                holding_minor=costs.holding_minor,
                lateness_minor=costs.lateness_minor,
                carbon_minor=costs.carbon_minor,
                share_minor=share,
            ),
            total_minor=path.cost_minor + share,
            alone_minor=self._alone[k],
        )

    def _used_segments(self) -> list[Any]:
        used = {
            self._state.groups[box.g].segment.id: self._state.groups[box.g].segment for box in self._state.box.values()
        }
        return sorted(used.values(), key=lambda segment: (segment.depart_at, segment.id))

    def _segments(self) -> tuple[PlanSegment, ...]:
        return tuple(
            PlanSegment(
                id=one.id,
                corridor=one.corridor.code,
                stuffing_place=one.corridor.stuffing_place,
                stripping_place=one.corridor.stripping_place,
                departures=tuple(leg.id for leg in one.legs),
                close_at=one.close_at,
                depart_at=one.depart_at,
                arrive_at=one.arrive_at,
                free_at=one.free_at,
                closed_by=one.closed_by,
                late_at=one.late_at,
            )
            for one in self._used_segments()
        )

    def _legs(self) -> tuple[PlanLeg, ...]:
        legs = {leg.id: leg for segment in self._used_segments() for leg in segment.legs}
        return tuple(
            PlanLeg(
                departure=leg.id,
                service=leg.service.code,
                mode=leg.service.mode,
                origin=leg.service.origin,
                destination=leg.service.destination,
                depart_at=leg.depart_at,
                arrive_at=leg.arrive_at,
                cutoff_at=leg.cutoff_at,
                papers=dict(leg.papers),
                delay_s=leg.delay_s,
                detour=leg.detour,
                unit=leg.service.capacity_unit,
                capacity=leg.capacity,
                taken=leg.capacity - self._state.left[leg.id],
                price_minor=self._bounded.prices.get(leg.id, 0),
            )
            for leg in sorted(legs.values(), key=lambda leg: (leg.depart_at, leg.id))
        )

    def _unserved(self) -> list[Unserved]:
        found = []
        for k, one in enumerate(self._goods):
            reason = self._paths.reasons.get(k)
            if reason is None and self._state.way[k] == UNSERVED:
                reason = self._not_loaded(k) or self._no_room(k)
            if reason is not None:
                found.append(Unserved(consignment=one.id, owner=one.owner, reason=reason.code, values=reason.values))
        return found

    def _not_loaded(self, k: int) -> Reason | None:
        """No box takes it even alone, by the loader's word, and no loose space is sold for it."""
        alone = {code for code, ks in self._state.cuts.get(k, ()) if ks == {k}}
        offers = {self._state.groups[way.g].offers[at].code for way in self._state.ways[k] for at in way.offers}
        return Reason("not_loadable", {"boxes": ", ".join(sorted(offers))}) if alone and offers <= alone else None

    def _no_room(self, k: int) -> Reason:
        """Paths exist but what they need is taken: the fullest leg of the path that would be cheapest alone."""
        state, one = self._state, self._goods[k]
        choices = []
        for way in state.ways[k]:
            offers = state.groups[way.g].offers
            for index in way.offers:
                price = offers[index].price(one.volume_cm3, one.weight_g)
                extra = offers[index].units(one.volume_cm3, one.weight_g)
                if price is not None and extra is not None:
                    choices.append((way.cost_minor + price, way.g, offers[index].teu, offers[index].leg_kg(extra)))
        cost, g, teu, kg = min(choices)
        short = [(leg, teu if leg.service.capacity_unit == "teu" else kg) for leg in state.groups[g].segment.legs]
        leg, need = max(short, key=lambda item: item[1] - state.left[item[0].id])
        return Reason(
            "no_capacity",
            {
                "leg": leg.id,
                "unit": leg.service.capacity_unit,
                "capacity": leg.capacity,
                "left": state.left[leg.id],
                "short": max(0, need - state.left[leg.id]),
                "price_minor": self._bounded.prices.get(leg.id, 0),
                "cost_minor": cost,
            },
        )

    def _conflicts(self, unserved: list[Unserved]) -> list[Conflict]:
        """What stands against a plan: the reasons of those that must go, or of all where nothing can go at all."""
        must = {one.id for one in self._goods if one.must_go}
        none_goes = bool(self._goods) and len(unserved) == len(self._goods)
        return [
            Conflict(limit=one.reason, values={"consignment": one.consignment, **one.values})
            for one in unserved
            if none_goes or one.consignment in must
        ]
