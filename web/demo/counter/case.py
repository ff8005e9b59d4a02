"""One message or one due step on the counter's desk: what it reads, what it decides, all of it one journal record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from web.demo.counter import forms
from web.demo.counter.habits import Dice, Habits
from web.demo.counter.journal import Journal

BEIJING = timezone(timedelta(hours=8))


@dataclass
class Case:
    """Collects what follows from one event. Nothing happens before the window writes it into the journal."""

    journal: Journal
    habits: Habits
    dice: Dice
    now: datetime
    sets: dict[str, Any] = field(default_factory=dict)
    plans: list[dict[str, Any]] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    source: str = ""  # name of the message's file, without its ending
    _clock_ms: dict[str, int] = field(default_factory=dict)

    @property
    def local(self) -> datetime:
        """The time on the counter's wall."""
        return self.now.astimezone(BEIJING)

    def get(self, key: str) -> Any:
        """Return what is known under ``key``, None when nothing is."""
        return self.sets[key] if key in self.sets else self.journal.facts.get(key)

    def put(self, key: str, value: Any) -> None:
        self.sets[key] = value

    def serial(self, name: str) -> int:
        """The next number of a series."""
        number = int(self.get(f"serial:{name}") or 0) + 1
        self.put(f"serial:{name}", number)
        return number

    def concern(self, about: str) -> None:
        """Note that the message at hand is about this document: asked again, it gets that document's answers again."""
        if about not in self.about:
            self.about.append(about)

    def say(self, kind: str, about: str, text: str, *, again: bool = False) -> None:
        """Plan an answer about a document, after whatever was planned about it before."""
        self.concern(about)
        self._plan({"kind": kind, "about": about, "text": text, "again": again}, self._after(about))

    def receipt(self, kind: str, about: str, fields: Mapping[str, str], status: str, info: str) -> None:
        """Plan a receipt of the CEB set."""
        told = {**fields, "returnStatus": status, "returnInfo": info, "returnTime": forms.stamp(self.local)}
        self.say(kind, about, forms.receipt(kind, told))

    def later(self, step: str, key: str, after_ms: int | None = None) -> None:
        """Plan a step of the counter itself; without a time: after what was planned about ``key`` before."""
        self._plan({"step": step, "key": key}, self._after(key) if after_ms is None else after_ms)

    def _after(self, about: str) -> int:
        wait = self.dice.between(self.habits.delay_low_ms, self.habits.delay_high_ms)
        self._clock_ms[about] = self._clock_ms.get(about, 0) + wait
        return self._clock_ms[about]

    def _plan(self, plan: dict[str, Any], after_ms: int) -> None:
        due = self.now.timestamp() + after_ms / 1000
        late = self.habits.reorder_ms / 1000
        if "text" not in plan:
            self._note(plan, due)
            return
        self._note(plan, due + (late if self.dice.happens(self.habits.reorder_permille) else 0))
        if self.dice.happens(self.habits.repeat_permille):
            self._note({**plan, "again": True}, due + late)

    def _note(self, plan: dict[str, Any], due: float) -> None:
        number = str(self.serial("plan"))
        named = {"name": self._name(plan["kind"], number)} if "text" in plan else {}
        self.plans.append({**plan, **named, "id": number, "due": due})

    def _name(self, kind: str, number: str) -> str:
        """The name of an answer's file; a status file names the file that it is about."""
        of = f"{self.source}_" if kind in ("Successed", "Failed") and self.source else ""
        return f"{kind}_{of}{forms.stamp(self.local)}_SIM{number}.xml"

    def record(self, **more: Any) -> dict[str, Any]:
        """Everything that follows, as one record."""
        return {
            "at": self.now.astimezone(UTC).isoformat(timespec="milliseconds"), "rolls": self.dice.rolls,
            "sets": self.sets, "plans": self.plans, **more,
        }  # fmt: skip
