"""The peers of `benchmarks.rounds`: PyVRP and OR-Tools routing on the same problem, priced by the same rule.

Both get the model of `routing/rounds/engine.py`: each kind of truck once for rounds within a spell of driving and once
with a rest on the first leg. What they find is mended and priced like our own rounds, so that all are compared alike.
"""

import time

import pyvrp
from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from pyvrp.IteratedLocalSearch import IteratedLocalSearch
from pyvrp.PenaltyManager import PenaltyManager, PenaltyParams
from pyvrp.search import OPERATORS, LocalSearch, NeighbourhoodParams, PerturbationManager, compute_neighbours
from pyvrp.stop import MaxRuntime

from routing.rounds.alone import Job, Reason, alone, jobs
from routing.rounds.case import COST, Case, Round, Visit
from routing.rounds.engine import FIRST, LAST, SHORT, Model
from routing.rounds.mend import mend
from routing.rounds.problem import Problem

UNIT = 1000  # of the solvers in one fen


def cost_of(case: Case, able: list[Job], rounds: list[Round]) -> tuple[float, int]:
    """Fen, and how many stops are left over, once the rounds keep every rule."""
    kept = mend(case, able, rounds)
    return sum(found.cost_units for _, found in kept.rounds) / COST, len(kept.left)


def by_pyvrp(problem: Problem, seconds: float, seed: int = 1) -> tuple[float, int]:
    """PyVRP's own parameters; only the penalties begin where they suit the units (its default finds nothing here)."""
    case = Case(problem)
    able = [job for job in jobs(case) if not isinstance(alone(case, job), Reason)]
    model = Model(case, able, 40_000 * UNIT)
    data = model.data([dict.fromkeys((SHORT, FIRST, LAST), one.count) for one in case.trucks], required=True)
    rng = pyvrp.RandomNumberGenerator(seed=seed)
    local = LocalSearch(data, rng, compute_neighbours(data, NeighbourhoodParams()), PerturbationManager())
    for operator in OPERATORS:
        if operator.supports(data):
            local.add_operator(operator(data))
    penalties = PenaltyManager(model.penalties(), PenaltyParams(max_penalty=1e9))
    first = local(pyvrp.Solution.make_random(data, rng), penalties.max_cost_evaluator(), exhaustive=True)
    result = IteratedLocalSearch(data, penalties, local, first).run(MaxRuntime(seconds), collect_stats=False)
    return cost_of(case, able, model.rounds(result.best) if result.is_feasible() else [])


def by_ortools(problem: Problem, seconds: float, trucks_per_kind: int) -> tuple[float, int]:
    """OR-Tools: parallel cheapest insertion, then guided local search; fewer trucks make it faster."""
    started = time.perf_counter()
    case = Case(problem)
    able = [job for job in jobs(case) if not isinstance(alone(case, job), Reason)]
    nodes = [case.depot_of[0], *(job.nodes[0] for job in able)]
    hours = problem.hours
    kinds = [
        (truck, far) for truck, one in enumerate(case.trucks) for far in (False, True)
        for _ in range(min(one.count, trucks_per_kind))
    ]  # fmt: skip
    manager = pywrapcp.RoutingIndexManager(len(nodes), len(kinds), 0)
    routing = pywrapcp.RoutingModel(manager)
    metres = [[case.metres[a][b] for b in nodes] for a in nodes]
    matrices = {}
    for truck, far in dict.fromkeys(kinds):
        one = case.trucks[truck]
        cost = [[metre * one.km_minor * UNIT // 1000 for metre in row] for row in metres]
        seconds_ = [
            [
                case.nodes[node].service_s + case.drive_s(truck, metre) + (hours.rest_s if far and a == 0 else 0)
                for metre in metres[a]
            ]
            for a, node in enumerate(nodes)
        ]  # fmt: skip
        matrices[truck, far] = (routing.RegisterTransitMatrix(cost), routing.RegisterTransitMatrix(seconds_))
    road = routing.RegisterTransitMatrix(metres)
    for vehicle, (truck, far) in enumerate(kinds):
        routing.SetArcCostEvaluatorOfVehicle(matrices[truck, far][0], vehicle)
        routing.SetFixedCostOfVehicle(case.trucks[truck].fixed_minor * UNIT, vehicle)
    span = case.end - case.start
    routing.AddDimensionWithVehicleTransits([matrices[kind][1] for kind in kinds], span, span, False, "time")
    clock = routing.GetDimensionOrDie("time")
    for at in range(1, len(nodes)):
        opens, closes = case.nodes[nodes[at]].windows[0]
        clock.CumulVar(manager.NodeToIndex(at)).SetRange(max(0, opens - case.start), min(span, closes - case.start))
    routing.AddDimensionWithVehicleCapacity(
        road, 0,
        [case.most_metres(truck, hours.drive_s if far else hours.spell_s) for truck, far in kinds], True, "road",
    )  # fmt: skip
    for vehicle, (truck, _) in enumerate(kinds):
        one = case.trucks[truck]
        clock.SetSpanUpperBoundForVehicle(one.shift_s, vehicle)
        clock.SetSpanCostCoefficientForVehicle(one.hour_minor * UNIT // 3600, vehicle)
        routing.AddVariableMinimizedByFinalizer(clock.CumulVar(routing.Start(vehicle)))
        routing.AddVariableMinimizedByFinalizer(clock.CumulVar(routing.End(vehicle)))
    _loads(case, routing, nodes, kinds)
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    search.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    search.time_limit.FromMilliseconds(max(1000, round(1000 * (seconds - (time.perf_counter() - started)))))
    found = routing.SolveWithParameters(search)
    rounds = []
    for vehicle, (truck, _) in enumerate(kinds) if found else ():
        visits, index = [], found.Value(routing.NextVar(routing.Start(vehicle)))
        while not routing.IsEnd(index):
            visits.append(Visit(nodes[manager.IndexToNode(index)]))
            index = found.Value(routing.NextVar(index))
        if visits:
            rounds.append(Round(truck, (tuple(visits),)))
    return cost_of(case, able, rounds)


def _loads(case: Case, routing: pywrapcp.RoutingModel, nodes: list[int], kinds: list[tuple[int, bool]]) -> None:
    """What is on board: all deliveries at the start, all collections at the end."""
    amounts = [case.amounts(node) for node in nodes]
    for part in range(3):
        holds = [case.trucks[truck].holds()[part] for truck, _ in kinds]
        off = routing.RegisterUnaryTransitVector([a[0][part] for a in amounts])
        change = routing.RegisterUnaryTransitVector([a[1][part] - a[0][part] for a in amounts])
        routing.AddDimensionWithVehicleCapacity(off, 0, holds, True, f"off{part}")
        routing.AddDimensionWithVehicleCapacity(change, 0, holds, False, f"board{part}")
        delivered, board = routing.GetDimensionOrDie(f"off{part}"), routing.GetDimensionOrDie(f"board{part}")
        for vehicle in range(len(kinds)):
            routing.solver().Add(board.CumulVar(routing.Start(vehicle)) == delivered.CumulVar(routing.End(vehicle)))
