"""Cartonising: rules held, checked by the independent checker, and compared with every packing on tiny cases."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import permutations, product

import pytest

from routing.cartons import Cartonised, CartonType, Piece, Reason, Rules, TooManyPieces, cartonise
from routing.cartons_verify import Finding, check

SMALL = CartonType("S", 200, 150, 100, 5_000, 80, 60)
MEDIUM = CartonType("M", 300, 200, 150, 10_000, 160, 110)
LARGE = CartonType("L", 400, 300, 250, 20_000, 320, 200)
CATALOGUE = (SMALL, MEDIUM, LARGE)
APART = Rules(apart=frozenset({frozenset({"food", "smelling"})}))


def piece(name: str, *size: int, g: int = 100, **more: object) -> Piece:
    return Piece(name, size[0], size[1], size[2], g, **more)  # type: ignore[arg-type]


def answer(pieces: Sequence[Piece], types: Sequence[CartonType] = CATALOGUE, rules: Rules = APART) -> Cartonised:
    """Cartonise, and let the checker look at the answer."""
    found = cartonise(pieces, types, rules)
    assert faults(pieces, types, found) == []
    return found


def faults(pieces: Sequence[Piece], types: Sequence[CartonType], found: Cartonised) -> list[Finding]:
    plain = [asdict(one) for one in pieces]
    return check(plain, [asdict(one) for one in types], asdict(found), [("food", "smelling")])


def test_takes_the_cheapest_carton_that_holds_everything() -> None:
    found = answer([piece("a", 200, 150, 50), piece("b", 150, 200, 50)])
    assert [one.carton for one in found.cartons] == ["S"]
    assert (found.cost_minor, found.bound_minor, found.is_proven, found.gap_permille) == (60, 60, True, 0)
    assert (found.cartons[0].content_weight_g, found.cartons[0].gross_weight_g) == (200, 280)
    assert found.cartons[0].fill_permille == 1000


def test_takes_two_small_cartons_where_they_cost_less_than_a_large_one() -> None:
    found = answer([piece("a", 190, 140, 90), piece("b", 190, 140, 90)], (SMALL, LARGE))
    assert [one.carton for one in found.cartons] == ["S", "S"]
    assert (found.cost_minor, found.is_proven) == (120, True)


def test_a_piece_that_stands_upright_is_not_laid_down() -> None:
    tall = piece("tall", 90, 90, 140)
    assert answer([tall]).cartons[0].carton == "S"
    upright = answer([replace(tall, this_side_up=True)])
    assert [(one.carton, one.pieces[0].height_mm) for one in upright.cartons] == [("M", 140)]


def test_nothing_stands_on_a_fragile_piece_and_it_is_packed_last() -> None:
    glass = piece("glass", 200, 150, 50, is_fragile=True)
    found = answer([glass, piece("book", 200, 150, 50)])
    assert [(spot.piece, spot.z_mm) for spot in found.cartons[0].pieces] == [("book", 0), ("glass", 50)]
    both = answer([glass, replace(glass, id="vase")], (SMALL,))
    assert len(both.cartons) == 2


def test_classes_that_are_kept_apart_never_share_a_carton() -> None:
    food, soap = frozenset({"food"}), frozenset({"smelling"})
    found = answer([piece("tea", 50, 50, 50, classes=food), piece("soap", 50, 50, 50, classes=soap)])
    assert [one.carton for one in found.cartons] == ["S", "S"]
    assert found.is_proven


def test_weight_splits_an_order_that_would_fit_by_size() -> None:
    found = answer([piece(f"lead {n}", 50, 50, 50, g=4_000) for n in range(4)], (SMALL, MEDIUM))
    assert sum(one.content_weight_g for one in found.cartons) == 16_000
    assert all(one.content_weight_g <= 10_000 for one in found.cartons)


def test_pieces_that_fit_nowhere_are_named_with_the_reason() -> None:
    pieces = [
        piece("long", 500, 10, 10),
        piece("heavy", 10, 10, 10, g=50_000),
        piece("unmeasured", 0, 10, 10),
        piece("both", 390, 290, 240, g=15_000),
        piece("fine", 10, 10, 10),
    ]
    strict = (SMALL, replace(LARGE, max_weight_g=9_000), replace(SMALL, code="X", max_weight_g=40_000))
    found = answer(pieces, strict)
    assert {one.piece: one.reason for one in found.left_out} == {
        "long": Reason.TOO_LARGE,
        "heavy": Reason.TOO_HEAVY,
        "unmeasured": Reason.SIZE_UNKNOWN,
        "both": Reason.NO_CARTON,
    }
    assert [spot.piece for one in found.cartons for spot in one.pieces] == ["fine"]
    assert answer([pieces[4]], ()).left_out[0].reason is Reason.NO_CARTON


def test_no_pieces_need_no_carton() -> None:
    found = answer([])
    assert (found.cartons, found.cost_minor, found.is_proven) == ((), 0, True)


def test_refuses_more_pieces_than_a_table_takes() -> None:
    with pytest.raises(TooManyPieces):
        cartonise([piece(str(n), 1, 1, 1) for n in range(401)], CATALOGUE)


def test_the_same_order_gets_the_same_answer() -> None:
    pieces = random_order(random.Random(4), 12)
    assert cartonise(pieces, CATALOGUE, APART) == cartonise(pieces, CATALOGUE, APART)


def test_many_equal_pieces_fill_layer_by_layer() -> None:
    found = answer([piece(f"{n}", 100, 75, 50, g=10) for n in range(80)])
    assert [one.fill_permille for one in found.cartons if one.carton == "L"] == [1000]


@pytest.mark.parametrize("seed", range(40))
def test_every_answer_stands_before_the_checker(seed: int) -> None:
    rng = random.Random(seed)
    answer(random_order(rng, rng.randint(1, 25)))


def random_order(rng: random.Random, n: int) -> list[Piece]:
    made = []
    for i in range(n):
        size = [rng.randint(20, 220) for _ in range(3)]
        classes = frozenset(rng.sample(["food", "smelling", "paper"], rng.randint(0, 1)))
        upright, fragile = rng.random() < 0.2, rng.random() < 0.2
        made.append(Piece(f"p{i}", *size, rng.randint(10, 2_000), upright, fragile, classes))
    return made


# The exact answer of tiny cases: every split, every carton, every packing in normal position.


def packs(pieces: Sequence[Piece], kind: CartonType) -> bool:
    """Whether any packing exists with each piece at sums of other pieces' sizes (every packing can be pushed there)."""
    if sum(one.weight_g for one in pieces) > kind.max_weight_g:
        return False
    inner = (kind.length_mm, kind.width_mm, kind.height_mm)
    for lying in product(*(turns(one) for one in pieces)):
        places = [positions([size[axis] for size in lying], inner[axis]) for axis in range(3)]
        if _place(pieces, lying, places, inner, []):
            return True
    return False


def turns(one: Piece) -> list[tuple[int, ...]]:
    ways = set(permutations((one.length_mm, one.width_mm, one.height_mm)))
    return sorted(way for way in ways if not one.this_side_up or way[2] == one.height_mm)


def positions(sizes: Sequence[int], limit: int) -> list[int]:
    sums = {0}
    for size in sizes:
        sums |= {one + size for one in sums}
    return sorted(one for one in sums if one < limit)


def _place(pieces: Sequence[Piece], lying: Sequence[Sequence[int]], places: list[list[int]], inner: Sequence[int],
           done: list[tuple[tuple[int, ...], Sequence[int]]]) -> bool:  # fmt: skip
    n = len(done)
    if n == len(pieces):
        return all(_rests(one, done, pieces) for one in range(n))
    for at in product(*places):
        fits = all(at[axis] + lying[n][axis] <= inner[axis] for axis in range(3))
        free = fits and not any(_hits(at, lying[n], *other) for other in done)
        if free and _place(pieces, lying, places, inner, [*done, (at, lying[n])]):
            return True
    return False


def _hits(at: Sequence[int], size: Sequence[int], other: Sequence[int], other_size: Sequence[int]) -> bool:
    return all(at[i] < other[i] + other_size[i] and other[i] < at[i] + size[i] for i in range(3))


def _rests(n: int, done: list[tuple[tuple[int, ...], Sequence[int]]], pieces: Sequence[Piece]) -> bool:
    (x, y, z), (length, width, _) = done[n]
    if z == 0:
        return True
    area = 0
    for m, ((ox, oy, oz), (ol, ow, oh)) in enumerate(done):
        shared = max(0, min(x + length, ox + ol) - max(x, ox)) * max(0, min(y + width, oy + ow) - max(y, oy))
        if m != n and oz + oh == z and shared:
            if pieces[m].is_fragile:
                return False
            area += shared
    return area * 1000 >= 750 * length * width


def partitions(items: list[Piece]) -> Iterator[list[list[Piece]]]:
    if not items:
        yield []
        return
    head, rest = items[0], items[1:]
    for parts in partitions(rest):
        yield [[head], *parts]
        for n in range(len(parts)):
            yield [*parts[:n], [head, *parts[n]], *parts[n + 1 :]]


def best_cost(pieces: list[Piece]) -> int | None:
    costs = []
    for parts in partitions(pieces):
        each = [min((k.cost_minor for k in CATALOGUE[:2] if packs(part, k)), default=None) for part in parts]
        if None not in each:
            costs.append(sum(one for one in each if one is not None))
    return min(costs, default=None)


def test_tiny_orders_against_every_packing_there_is() -> None:
    rng = random.Random(11)
    equal = total = 0
    for _ in range(40):
        sizes = [[rng.choice((50, 75, 100, 150, 200)) for _ in range(3)] for _ in range(rng.randint(1, 3))]
        pieces = [
            Piece(f"p{i}", *size, rng.choice((100, 3_000)), rng.random() < 0.2, rng.random() < 0.2)
            for i, size in enumerate(sizes)
        ]
        best = best_cost(pieces)
        found = answer(pieces, CATALOGUE[:2])
        if best is None:
            assert found.left_out
            continue
        if found.left_out:
            continue
        total += 1
        assert found.bound_minor <= best <= found.cost_minor
        assert not found.is_proven or found.cost_minor == best
        equal += found.cost_minor == best
    assert total >= 25
    assert equal == total, f"{equal} of {total} are best"


# The checker finds what is wrong.


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("overlap", {"x_mm": 0, "y_mm": 0, "z_mm": 0}),
        ("inside", {"x_mm": 150}),
        ("inside", {"x_mm": -1}),
        ("support", {"z_mm": 75}),
        ("size", {"length_mm": 99}),
        ("upright", {"height_mm": 100, "length_mm": 50}),
        ("complete", {"piece": "a"}),
        ("complete", {"piece": "stranger"}),
    ],
)
def test_the_checker_names_the_broken_rule(rule: str, change: dict[str, object]) -> None:
    pieces = [asdict(piece("a", 100, 100, 50)), asdict(piece("b", 100, 100, 50, this_side_up=True))]
    spots = [asdict(one) for one in answer([piece("a", 100, 100, 50), piece("b", 100, 100, 50)]).cartons[0].pieces]
    spots[1] |= change
    told = {
        "cartons": [{"carton": "S", "pieces": spots, "content_weight_g": 200, "gross_weight_g": 280}],
        "left_out": [], "cost_minor": 60, "bound_minor": 60,
    }  # fmt: skip
    assert rule in {one.rule for one in check(pieces, [asdict(SMALL)], told)}


def test_the_checker_looks_at_weight_company_fragile_order_catalogue_and_sums() -> None:
    pieces = [
        asdict(piece("a", 100, 100, 50, g=3_000, is_fragile=True, classes=frozenset({"food"}))),
        asdict(piece("b", 100, 100, 50, g=3_000, classes=frozenset({"smelling"}))),
    ]
    low = {"piece": "a", "x_mm": 0, "y_mm": 0, "z_mm": 0, "length_mm": 100, "width_mm": 100, "height_mm": 50}
    high = {**low, "piece": "b", "z_mm": 50}
    carton = {"carton": "S", "pieces": [high, low], "content_weight_g": 1, "gross_weight_g": 1}
    told = {"cartons": [carton, {**carton, "carton": "?"}], "left_out": [], "cost_minor": 1, "bound_minor": 2}
    rules = {one.rule for one in check(pieces, [asdict(SMALL)], told, [("food", "smelling")])}
    assert rules == {"weight", "apart", "fragile", "order", "catalogue", "cost", "bound", "complete"}
