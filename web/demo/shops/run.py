"""Run the shops: an opening with one sale of each story, then a sale now and then, until asked to end."""

import heapq
import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from web.demo.shops import papers, sales
from web.demo.shops.config import ShopsFile, read_shops
from web.demo.shops.desk import Desk, Refused
from web.demo.shops.sales import Sale

log = logging.getLogger("shops")
WAIT_FOR_FILE_S = 120.0
BETWEEN_S, PAPERS_S, LATE_S, ASK_S, MOST_ASKS, RETURN_ASKS = 1.0, 0.7, 45.0, 4.0, 45, 15
Step = Callable[[], None]


@dataclass
class Shops:
    """What is to be done when: steps on a heap by their time (monotonic seconds)."""

    file: ShopsFile
    exchange: Path
    desk: Desk
    _steps: list[tuple[float, int, Step]] = field(default_factory=list)
    _order: Any = field(default_factory=count)
    _sold: int = 0
    _begun: str = field(default_factory=lambda: f"{datetime.now(UTC).astimezone(sales.BEIJING):%y%m%d%H%M%S}")

    def later(self, after_s: float, step: Step) -> None:
        heapq.heappush(self._steps, (time.monotonic() + after_s, next(self._order), step))

    def next_due_s(self) -> float:
        """Seconds until the next step."""
        return max(0.0, self._steps[0][0] - time.monotonic()) if self._steps else 1.0

    def turn(self) -> None:
        """Do what is due; what fails is said and left."""
        while self._steps and self._steps[0][0] <= time.monotonic():
            _at, _n, step = heapq.heappop(self._steps)
            try:
                step()
            except (Refused, OSError) as fault:
                log.info("simulated shops: %s", fault)

    def begin(self, stop: threading.Event) -> None:
        """Wait for the API; open the shops where nothing was ever sold."""
        while not stop.is_set():
            try:
                is_new = not self.desk.orders(limit="1")
                break
            except Refused:
                stop.wait(1.0)
        else:
            return
        opening = sales.OPENING if is_new else ()
        for n, story in enumerate(opening):
            self.later(n * BETWEEN_S, partial(self.sell, story))
        self.later(len(opening) * BETWEEN_S + self.file.pause_s, self.sell_on)

    def sell_on(self) -> None:
        self.later(self.file.pause_s, self.sell_on)
        self.sell(sales.AFTERWARDS[self._sold % len(sales.AFTERWARDS)])

    def sell(self, story: str) -> None:
        """A sale: its papers go out one after the other, then it is declared or left to a person."""
        self._sold += 1
        number = f"YM{self._begun}{self._sold:04d}"
        sale = sales.draw(self.file, story, self._sold, number, datetime.now(UTC))
        file = self.file
        self._post("CEB311", sale, *sales.order(sale, file))
        if story != sales.UNPAID:
            self.later(PAPERS_S, lambda: self._post("CEB411", sale, sales.payment(sale, file)))
        late_s = LATE_S if story == sales.LATE else 2 * PAPERS_S
        self.later(late_s, lambda: self._post("CEB511", sale, sales.waybill(sale, file)))
        if story in sales.DECLARED:
            self.later(late_s + ASK_S, partial(self.declare, sale, MOST_ASKS))

    def _post(self, kind: str, sale: Sale, head: papers.Fields, lines: Any = ()) -> None:
        sender = {"CEB411": self.file.payer, "CEB511": self.file.carrier}.get(kind, self.file.platform)
        papers.post(self.exchange, f"{kind}_{sale.number}_SIM.xml", papers.message(kind, sender, head, lines))

    def declare(self, sale: Sale, asks: int) -> None:
        """Declare as soon as the warehouse finds that the documents agree."""
        found = self.desk.orders(order_no=sale.number)
        if not found or found[0]["match"] != "agrees":
            if asks:
                self.later(ASK_S, partial(self.declare, sale, asks - 1))
            return
        number = self.desk.draw_up(self.file.platform.code, sale.number, dict(self.file.terms))
        self.desk.declare(number)
        log.info("simulated shops: declared %s for order %s", number, sale.number)
        if sale.story == sales.CANCELLED:
            self.later(ASK_S, lambda: self.desk.cancel(number, "买家取消订单（模拟） the buyer cancelled (simulated)"))
        if sale.story == sales.BACK:
            self.later(ASK_S, partial(self.bring_back, number, MOST_ASKS))

    def bring_back(self, number: str, asks: int) -> None:
        """A buyer sends a released parcel back."""
        row = self.desk.declaration(number)
        if row["state"] not in ("released", "cleared"):
            if asks:
                self.later(ASK_S, partial(self.bring_back, number, asks - 1))
            return
        line = row["lines"][0]
        lines = [{"line_no": line["line_no"], "gcode": line["gcode"], "qty": line["qty"]}]
        request_id = self.desk.take_back(number, "七天无理由退货（模拟） sent back (simulated)", lines)
        self.later(ASK_S, partial(self.arrive, number, request_id, RETURN_ASKS))

    def arrive(self, number: str, request_id: int, asks: int) -> None:
        """The goods of an approved return are back in the zone."""
        asked = next(one for one in self.desk.declaration(number)["requests"] if one["id"] == request_id)
        if asked["state"] == "approved":
            self.desk.back(request_id, self.file.area)
        elif asked["state"] == "applied":
            if asks == 0:  # nothing came over the line: read at the window and entered by hand
                self.desk.receipt(number, "CEB626", "399", f"[{sales.MARK}] 海关审结 approved")
            if asks > -RETURN_ASKS:
                self.later(ASK_S, partial(self.arrive, number, request_id, asks - 1))


def run(data_dir: Path, url: str, exchange: Path, certificate: Path | None) -> None:
    """Run until SIGTERM or SIGINT; the file may still have to be written by the seed."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    path = data_dir / "shops.json"
    deadline = time.monotonic() + WAIT_FOR_FILE_S
    while not path.exists() and not stop.wait(0.5):
        if time.monotonic() > deadline:
            raise SystemExit(f"shops (simulated): there is no {path}; the demo's seed writes it")
    if not stop.is_set():
        file = read_shops(path)
        log.info("simulated shops: %d goods, exchange %s", len(file.goods), exchange)
        serve(Shops(file, exchange, Desk(url, file.token, certificate)), stop)


def serve(shops: Shops, stop: threading.Event) -> None:
    """Sell until ``stop`` is set."""
    shops.begin(stop)
    while not stop.wait(min(shops.next_due_s(), 1.0)):
        shops.turn()
