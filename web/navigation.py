"""The ways through the house: what stands in the navigation is what exists and what the caller may open."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Flask, current_app, request
from werkzeug.exceptions import HTTPException

from web.auth.policy import Policy, policy_of
from web.context import current_identity, house
from wms.errors import N_

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True)
class Way:
    """One entry: address, name, picture, and what a person finds there."""

    path: str
    label: str
    icon: str
    about: str


WAYS = (
    Way("/scan", N_("Scan"), "scan", N_("Receive, put away, move and count with a scanner or the camera.")),
    Way("/desk", N_("Stock"), "boxes", N_("What lies where, whose it is and in which customs status.")),
    Way("/gate", N_("Gate"), "truck", N_("Vehicles at the lanes, live; held ones with the reason.")),
    Way("/plan", N_("Plan"), "route", N_("Put consignments together into boxes, trains and flights.")),
    Way("/track", N_("Track"), "search", N_("Find goods, a pallet or a pass by its number.")),
    Way("/oversight", N_("Oversight"), "shield", N_("Are the books true? The last check and the last postings.")),
    Way("/admin", N_("Administration"), "people", N_("Companies, people, their roles, and API tokens.")),
)


def ways() -> list[Way]:
    """Return the entries that exist and that the caller may open."""
    return open_ways(WAYS)


def open_ways(listed: Iterable[Way]) -> list[Way]:
    """Return those of ``listed`` that exist and that the caller may open."""
    who = current_identity()
    if who is None:
        return []
    found = ((way, _policy_at(way.path)) for way in listed)
    return [way for way, rule in found if rule and rule.admits(who.roles, sees_all=who.sees_all)]


def _policy_at(path: str) -> Policy | None:
    try:
        endpoint, _values = current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return None
    return policy_of(current_app, endpoint)


def may_open(endpoint: str) -> bool:
    """Whether the caller may open the page of an endpoint."""
    who, rule = current_identity(), policy_of(current_app, endpoint)
    return who is not None and rule is not None and rule.admits(who.roles, sees_all=who.sees_all)


def is_here(way: Way) -> bool:
    """Whether the page shown lies under this entry."""
    return request.path == way.path or request.path.startswith(way.path + "/")


def theme() -> str:
    """Return auto, light or dark: what the person chose on this device."""
    chosen = request.cookies.get("theme", "auto")
    return chosen if chosen in THEMES else "auto"


def install_navigation(app: Flask) -> None:
    app.jinja_env.globals.update(
        ways=ways,
        is_here=is_here,
        may_open=may_open,
        theme=theme,
        who=current_identity,
        settings=lambda: house().settings,
    )
