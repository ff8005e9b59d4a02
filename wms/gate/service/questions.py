"""Where a lane says so, a vehicle goes only when the customs platform agrees: asked once, answered in time or not.

A passage that our own checks would lift is not decided until the answer is there or its time is over. No answer is a
hold. A late answer is kept beside the passage and never opens; nor does a lift open for anything but what customs was
asked about (plate, containers, weight, pass), whatever is seen by then.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.errors import N_, Kind, NotFound, WmsError
from wms.gate.rules import asked_about, decide
from wms.gate.service.controls import share_control
from wms.gate.service.deciding import Decided, DecidePassage, decide_opened, open_passage
from wms.gate.service.facts import load_case
from wms.gate.service.lane_rules import parameters_of
from wms.gate.tables import CustomsQuestion, Decision, Lane, Passage
from wms.record.service import append_leaf
from wms.watch.service import NewAlarm, announce, raise_alarm

ANSWERS = ("lift", "hold")


class UnknownQuestion(NotFound):
    code = "unknown_customs_question"
    text = N_("Customs was not asked about passage %(seq_no)s.")


class UnknownAnswer(WmsError):
    code = "unknown_customs_answer"
    kind = Kind.INVALID
    text = N_("%(answer)s is no answer of the customs platform; known are lift and hold.")


@dataclass(frozen=True)
class OpenQuestion:
    """What the platform still has to answer: the passage by its SEQ_NO, about what state of it, and until when."""

    seq_no: str
    lane_code: str
    direction: str
    plate: str | None
    asked_about: dict[str, Any] | None
    asked_at: datetime
    answer_by: datetime


def decide_or_ask(session: Session, command: DecidePassage) -> Decided | None:
    """Decide the passage, or ask customs first where the lane needs its answer; None while the answer is awaited."""
    passage = open_passage(session, command.seq_no, command.lane_id, command.opened_at)
    lane = session.get_one(Lane, command.lane_id)
    rules = command.rules or parameters_of(session, lane, command.decided_at)
    if not rules.needs_customs_answer:
        return decide_opened(session, passage, command)
    question = _question_of(session, passage.id)
    if question is None:
        if session.scalar(select(Decision.id).where(Decision.passage_id == passage.id)) is not None:
            return decide_opened(session, passage, command)
        share_control(session)
        agreed = replace(command.seen, customs_answer="lift")
        case = load_case(session, lane, passage.id, command.seq_no, agreed, command.decided_at, rules)
        verdict = decide(case)
        if not verdict.lift:
            return decide_opened(session, passage, command)  # our own checks hold it: nobody needs to be asked
        within = timedelta(milliseconds=rules.customs_within_ms)
        _ask(session, passage, command, asked_about(case, verdict.pass_id), within)
        return None
    if question.answer is None and command.decided_at < question.answer_by:
        return None
    seen = replace(command.seen, customs_answer=question.answer)
    return decide_opened(session, passage, replace(command, seen=seen, agreed_about=question.asked_about or {}))


def customs_answered(session: Session, seq_no: str, answer: str, *, at: datetime, hint: str | None = None) -> str:
    """Take the platform's answer: ``taken``, ``repeated`` or ``late``. Raises UnknownAnswer, UnknownQuestion."""
    if answer not in ANSWERS:
        raise UnknownAnswer(field="answer", answer=answer)
    passage = session.scalar(select(Passage).where(Passage.seq_no == seq_no))
    question = _question_of(session, passage.id) if passage is not None else None
    if passage is None or question is None:
        raise UnknownQuestion(seq_no=seq_no)
    if question.answer is not None:
        return "repeated"
    decided = session.scalar(select(Decision.id).where(Decision.passage_id == passage.id))
    if decided is not None or at >= question.answer_by or passage.closed_at is not None:
        return _late(session, passage, question, answer, at)
    question.answer, question.hint, question.answered_at = answer, hint, at
    session.flush()
    append_leaf(session, "customs_answer", {"seq_no": seq_no, "answer": answer, "hint": hint, "at": at}, question.id)
    announce(session, "passage", passage.id)
    return "taken"


def open_questions(session: Session, at: datetime, limit: int = 100) -> list[OpenQuestion]:
    """What customs still may answer, the oldest first."""
    found = session.execute(
        select(
            Passage.seq_no, Lane.code, Passage.direction, Passage.plate, CustomsQuestion.asked_about,
            CustomsQuestion.asked_at, CustomsQuestion.answer_by,
        )
        .join(Passage, Passage.id == CustomsQuestion.passage_id)
        .join(Lane, Lane.id == Passage.lane_id)
        .where(CustomsQuestion.answer.is_(None), CustomsQuestion.answer_by > at, Passage.state == "open")
        .order_by(CustomsQuestion.id)
        .limit(limit)
    )  # fmt: skip
    return [OpenQuestion(*row) for row in found]


def _question_of(session: Session, passage_id: int) -> CustomsQuestion | None:
    return session.scalar(
        select(CustomsQuestion)
        .where(CustomsQuestion.passage_id == passage_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def _ask(session: Session, passage: Passage, command: DecidePassage, about: dict[str, Any], within: timedelta) -> None:
    at = command.decided_at
    session.execute(
        insert(CustomsQuestion)
        .values(passage_id=passage.id, asked_at=at, asked_about=about, answer_by=at + within)
        .on_conflict_do_nothing(index_elements=["passage_id"])
    )
    passage.plate = command.seen.plate
    session.flush()
    body = {"seq_no": passage.seq_no, "answer_by": at + within, "asked_about": about}
    append_leaf(session, "customs_asked", body, passage.id)
    announce(session, "passage", passage.id)


def _late(session: Session, passage: Passage, question: CustomsQuestion, answer: str, at: datetime) -> str:
    if question.late_answer is not None:
        return "repeated"
    question.late_answer, question.late_at = answer, at
    session.flush()
    told = {"seq_no": passage.seq_no, "answer": answer, "at": at}
    append_leaf(session, "customs_answer_late", told, question.id)
    detail = f"{passage.plate or '?'} {answer}"
    raise_alarm(session, NewAlarm(passage.site_id, "lane", "customs_answer_late", passage.seq_no, at, detail=detail))
    announce(session, "passage", passage.id)
    return "late"
