"""What the desk of rounds refuses, each in the dispatcher's words."""

from __future__ import annotations

from routing.problem import BadProblem, Fault
from wms.errors import N_, Kind, NotFound, WmsError


class UnknownRounds(NotFound):
    """No such plan of rounds, or it is another company's."""

    code = "unknown_rounds"
    text = N_("There are no rounds %(plan_id)s.")


class UnknownRound(NotFound):
    """The plan has no such round."""

    code = "unknown_round"
    text = N_("Rounds %(plan_id)s have no round %(round_no)s.")


class NothingToDrive(WmsError):
    """No order of the books has to be collected or delivered on that day."""

    code = "nothing_to_drive"
    text = N_("On %(day)s nothing has to be collected for %(hub)s or delivered from there.")


class NoTruckAtHome(WmsError):
    """No truck of the fleet is free."""

    code = "no_truck_at_home"
    text = N_("No truck with its home at %(hub)s is free on %(day)s: add one to the fleet, or cancel a round.")


class FileMissing(WmsError):
    """Neither a file nor what it says was given."""

    code = "rounds_file_missing"
    kind = Kind.INVALID
    text = N_("Choose a file of stops (CSV) or of the whole problem (JSON).")


class RoundsFileRefused(WmsError):
    """A field of the file breaks a rule. ``parts`` has every fault."""

    code = "rounds_file_refused"
    kind = Kind.INVALID
    text = N_("%(name)s: %(rule)s (%(detail)s)")


class RoundsNotSolved(WmsError):
    """Only solved rounds can be accepted."""

    code = "rounds_not_solved"
    text = N_("Rounds %(plan_id)s are not solved (%(state)s) and cannot be accepted.")


class RoundsPassed(WmsError):
    """The first truck should have left."""

    code = "rounds_passed"
    kind = Kind.CONFLICT
    text = N_("Rounds %(plan_id)s are out of date: %(round_no)s should have left at %(leave_at)s. Ask again.")


class RoundsStale(WmsError):
    """The books have changed since the rounds were made."""

    code = "rounds_stale"
    kind = Kind.CONFLICT
    text = N_("Rounds %(plan_id)s are out of date: %(count)s orders changed since, among them %(orders)s. Ask again.")


class OrderOnARound(WmsError):
    """Another live round has it."""

    code = "order_on_a_round"
    kind = Kind.CONFLICT
    text = N_("%(order_no)s is on a round of plan %(other_id)s already.")


class TruckOnARound(WmsError):
    """A truck drives one round a day."""

    code = "truck_on_a_round"
    kind = Kind.CONFLICT
    text = N_("Truck %(plate)s drives a round of plan %(other_id)s on that day.")


class TruckGone(WmsError):
    """It was changed or withdrawn since the rounds were made."""

    code = "truck_gone"
    kind = Kind.CONFLICT
    text = N_("Truck %(plate)s was changed or withdrawn since. Ask again.")


class ReasonMissing(WmsError):
    """Who cancels or withdraws says why."""

    code = "round_reason_missing"
    kind = Kind.INVALID
    text = N_("Say why: a reason of 1 to 500 characters.")


class NotBookedRound(WmsError):
    """Only what is accepted can be cancelled."""

    code = "round_not_booked"
    kind = Kind.CONFLICT
    text = N_("There is no booked round here that could be cancelled (%(state)s).")


class UnknownTruck(NotFound):
    """No such truck, or it is another company's."""

    code = "unknown_truck"
    text = N_("There is no truck %(plate)s in the fleet.")


class TruckWrong(WmsError):
    """A field of a truck breaks a rule."""

    code = "truck_wrong"
    kind = Kind.INVALID
    text = N_("%(name)s: %(rule)s")


class PlateTaken(WmsError):
    """A plate stands in a fleet once."""

    code = "plate_taken"
    kind = Kind.CONFLICT
    text = N_("A truck with the plate %(plate)s is in a fleet already.")


class TruckWithdrawn(WmsError):
    """What is withdrawn is not changed any more."""

    code = "truck_withdrawn"
    kind = Kind.CONFLICT
    text = N_("Truck %(plate)s is withdrawn.")


class TruckBusy(WmsError):
    """It has rounds to drive."""

    code = "truck_busy"
    kind = Kind.CONFLICT
    text = N_("Truck %(plate)s drives a round on %(day)s: cancel that first.")


RULES = {
    "missing": N_("is empty"),
    "not_a_number": N_("is no number"),
    "too_fine": N_("has too many decimal places"),
    "not_a_time": N_("is no time such as 08:30"),
    "not_yes_or_no": N_("is neither yes nor no"),
    "unknown_column": N_("is no column of this sheet"),
    "missing_column": N_("a column is missing"),
    "too_many": N_("is too many at once"),
    "too_many_cells": N_("has more cells than the head"),
    "not_csv": N_("is no CSV"),
    "not_json": N_("is no JSON"),
    "not_integer": N_("amounts are whole numbers"),
    "not_object": N_("must be an object with depots, trucks and stops"),
    "not_utf8": N_("is not UTF-8"),
    "too_large": N_("is too large"),
    "duplicate": N_("stands in the file more than once"),
    "two_places": N_("names a place and a point: one of the two"),
    "unknown_place": N_("is no place that is known"),
    "no_place": N_("names neither a place nor a point"),
    "out_of_time": N_("lies before 1970 or after 2099"),
    "closes_before_opens": N_("closes before it opens"),
    "negative_amount": N_("is a negative amount"),
    "negative_count": N_("is a negative number of trucks"),
    "negative_capacity": N_("is a negative capacity"),
    "unknown_depot": N_("is no depot of the file"),
    "ends_before_start": N_("ends before it starts"),
    "nothing_to_do": N_("moves nothing"),
    "unknown_truck": N_("is no truck of the file"),
    "too_long": N_("the whole is longer than 14 days"),
    "unknown_hours": N_("no driver hours are known for that day"),
    "spell_too_short": N_("a day holds more than four spells"),
}
OTHER = N_("is not as it must be")
MOST_PARTS = 40


def refused(bad: BadProblem) -> RoundsFileRefused:
    """The refusal of a file: the first fault, and all of them as parts."""
    parts = tuple(_one(fault) for fault in bad.faults[:MOST_PARTS])
    first = parts[0]
    whole = RoundsFileRefused(field=first.field, **first.values)
    if len(parts) > 1:
        whole.parts = parts
    return whole


def _one(fault: Fault) -> RoundsFileRefused:
    name = fault.field[:120]
    return RoundsFileRefused(field=name, name=name, rule=RULES.get(fault.rule, OTHER), detail=fault.text[:300])
