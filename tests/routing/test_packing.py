from routing.packing import Item, pack
from routing.paths import PathFinder
from routing.tariff import LOOSE, Offer
from tests.routing.tiny import goods, problem


def offers() -> tuple[Offer, ...]:
    return PathFinder(problem([goods("K1", 1)])).find().groups[0].offers


def items(*m3: float) -> list[Item]:
    return [Item(k, round(size * 1_000_000), 100_000, (0, 1)) for k, size in enumerate(m3)]


def test_fills_one_box_and_buys_the_rest_loose() -> None:
    packed = pack(items(9, 9, 2, 1), offers(), 10, 10)
    assert packed is not None
    assert (len(packed.boxes), packed.loose, packed.price_minor) == (1, (3,), 1_000_000 + 80_000)


def test_takes_no_more_boxes_than_the_leg_has_room_for() -> None:
    packed = pack(items(18, 18), offers(), 1, 10)
    assert packed is not None
    assert packed.teu == 1
    assert len(packed.loose) == 1


def test_says_so_when_the_goods_cannot_all_go() -> None:
    boxes = tuple(offer for offer in offers() if offer.kind != LOOSE)
    assert pack(items(18, 18), boxes, 1, 10) is None


def test_an_offer_prices_its_minimum_its_extra_and_its_limit() -> None:
    loose = offers()[1]
    assert [loose.price(v, 1) for v in (1, 1_000_000, 1_001_000, 60_000_000)] == [80_000, 80_000, 80_080, 4_800_000]
    assert loose.price(60_001_000, 1) is None
    assert loose.price(1, 2_000_000) == 160_000
