"""Returns: whether goods may come back, and what a grade makes of them.

Bonded retail goods may be returned into the zone only within dated limits counted from the day of release (GAC 2020-45:
apply within 30 days, back at the original site within 45; exports by GAC 2020-44: one year).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from wms.errors import N_, Kind, WmsError
from wms.floor.rules.mistakes import ScanMistake

# What each result of an inspection makes of the goods' quality status.
QUALITY_OF = {"good": "good", "repair": "hold", "quarantine": "quarantine", "destroy": "damaged"}
PLACE_KINDS = frozenset({"inspection", "staging", "dock", "quarantine", "work"})


class ReturnExists(WmsError):
    code = "return_exists"
    kind = Kind.CONFLICT
    text = N_("The return %(number)s was announced already by %(person)s at %(at)s.")


class UnknownReturn(ScanMistake):
    code = "unknown_return"
    kind = Kind.NOT_FOUND
    text = N_("There is no return %(number)s.")
    way_out = N_("Scan the number of the return, or have it announced first.")


class ReleaseDayMissing(WmsError):
    code = "release_day_missing"
    kind = Kind.INVALID
    text = N_("A return across the border needs the day on which the goods were released.")


class AppliedTooLate(WmsError):
    code = "applied_too_late"
    text = N_("Released on %(released_on)s: a return had to be applied for within %(days)s days, by %(until)s.")


class AppliedBeforeRelease(WmsError):
    code = "applied_before_release"
    kind = Kind.INVALID
    text = N_("The goods were released on %(released_on)s; a return cannot be applied for before that.")


class BackTooLate(ScanMistake):
    code = "back_too_late"
    text = N_("Return %(number)s had to be back by %(until)s (%(days)s days from release): it is too late.")
    way_out = N_("Put the goods aside; the declarant must say what becomes of them.")


class MoreThanShipped(WmsError):
    code = "more_than_shipped"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: of %(item)s %(shipped)s went out with %(order)s, so %(wanted)s cannot come back.")


class NoReturnChosen(ScanMistake):
    code = "no_return_chosen"
    text = N_("No return is chosen.")
    way_out = N_("Scan the number of the return, or choose it on the screen.")


class ReturnClosed(ScanMistake):
    code = "return_closed"
    kind = Kind.CONFLICT
    text = N_("The return %(number)s is closed.")
    way_out = N_("Choose another return.")


class NoReturnPlace(ScanMistake):
    code = "no_return_place"
    text = N_("Say first where you put what came back.")
    way_out = N_("Scan an inspection, staging or quarantine place.")


class NotAReturnPlace(ScanMistake):
    code = "not_a_return_place"
    text = N_("%(place)s is no place for returned goods: it is a %(place_kind)s.")
    way_out = N_("Scan an inspection, staging or quarantine place.")


class NotInReturn(ScanMistake):
    code = "not_in_return"
    text = N_("%(item)s is not on the return %(number)s.")
    way_out = N_("Put it aside and tell the supervisor.")


class TooManyBack(ScanMistake):
    code = "too_many_back"
    text = N_("Only %(left)s of %(item)s are still to come back with %(number)s, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number, then the goods again.")


class NoBookLineForReturn(ScanMistake):
    code = "no_book_line_for_return"
    text = N_("%(item)s never stood in an account book here, so it cannot come back as bonded goods.")
    way_out = N_("Put it aside; the declarant must say under which line it comes in.")


class UnknownGrade(ScanMistake):
    code = "unknown_grade"
    kind = Kind.INVALID
    text = N_("%(grade)s is no grade. Grades: %(grades)s.")
    way_out = N_("Scan GRADE with one of the grades.")


class NothingToGrade(ScanMistake):
    code = "nothing_to_grade"
    text = N_("Nothing waits here to be graded.")
    way_out = N_("Scan the returned goods first.")


class TooManyToGrade(ScanMistake):
    code = "too_many_to_grade"
    kind = Kind.CONFLICT
    text = N_("Only %(left)s of these goods are not graded yet, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number, then the grade again.")


class MovedBeforeGraded(ScanMistake):
    code = "moved_before_graded"
    kind = Kind.CONFLICT
    text = N_("The goods were moved or changed before they were graded.")
    way_out = N_("Bring them back to where they were taken in, then grade them.")


class UngradedLeft(ScanMistake):
    code = "ungraded_left"
    text = N_("%(left)s returned pieces are not graded yet.")
    way_out = N_("Grade them before the return is closed.")


@dataclass(frozen=True)
class Days:
    """The limits of a return across the border, in days from release."""

    apply: int
    back: int


def check_crossing(released_on: date | None, applied_on: date, days: Days) -> date:
    """Return the last day on which the goods may be back.

    Raises ReleaseDayMissing, AppliedBeforeRelease, AppliedTooLate.
    """
    if released_on is None:
        raise ReleaseDayMissing(field="released_on")
    if applied_on < released_on:
        raise AppliedBeforeRelease(field="applied_on", released_on=released_on.isoformat())
    until = released_on + timedelta(days=days.apply)
    if applied_on > until:
        raise AppliedTooLate(
            field="applied_on", released_on=released_on.isoformat(), days=days.apply, until=until.isoformat()
        )
    return released_on + timedelta(days=days.back)


def result_of(grade: str, grades: Mapping[str, str]) -> str:
    """Return what a grade makes of goods (good, repair, quarantine, destroy). Raises UnknownGrade."""
    if grade.upper() not in grades:
        raise UnknownGrade(field="grade", grade=grade, grades=", ".join(grades))
    return grades[grade.upper()]
