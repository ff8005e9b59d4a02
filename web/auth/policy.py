"""Who may call which route. Every route says it; a route that does not stops the start.

A view carries its policy in an attribute (``@policy``), so that it cannot be registered in one place and guarded in
another. Rows are guarded a second time by row-level security: a policy says which *functions* a role may use, the
database says which *rows* its company sees.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])

ROLES = (
    "customs_officer",
    "administrator",
    "supervisor",
    "planner",
    "declarant",
    "clerk",
    "auditor",
    "device",
)
PEOPLE = tuple(role for role in ROLES if role != "device")
READERS = PEOPLE  # who may look at pages and lists; what they find there is held by row-level security


@dataclass(frozen=True)
class Policy:
    """What a route asks of its caller.

    ``firms``: whether people of a company that sees only its own cargo may come in.
    ``subject``: name of the thing that the URL's parameters name; the access tests make one for the caller's own
    company and one for another's (tests/web/subjects.py).
    ``per_minute``: most calls that one person may make in a minute, counted over all processes.
    ``confirms``: the view itself begins its transaction with :func:`web.auth.guard.confirm`, so that a token that was
    good in an earlier request need not be looked up in a transaction of its own.
    """

    roles: frozenset[str]
    is_public: bool = False
    firms: bool = False
    subject: str | None = None
    per_minute: int | None = None
    confirms: bool = False

    def admits(self, roles: frozenset[str], *, sees_all: bool) -> bool:
        """Whether somebody with these roles may use the route."""
        return self.is_public or (bool(self.roles & roles) and (sees_all or self.firms))


DECLARED = "dongting.policies"
PUBLIC = Policy(frozenset(), is_public=True)
SHUT = Policy(frozenset())  # a library brings the route, the house does not use it: nobody may call it


class RouteWithoutPolicy(RuntimeError):
    """A route was added that does not say who may call it."""


def policy(
    *roles: str,
    firms: bool = False,
    subject: str | None = None,
    per_minute: int | None = None,
    confirms: bool = False,
) -> Callable[[View], View]:
    """Declare the roles that may call a view; the first one that a person has is the role they act in."""
    unknown = set(roles) - set(ROLES)
    if unknown or not roles:
        raise ValueError(f"a policy names roles of {', '.join(ROLES)}; not {', '.join(unknown) or 'nobody'}")
    rule = Policy(frozenset(roles), firms=firms, subject=subject, per_minute=per_minute, confirms=confirms)
    return lambda view: _mark(view, rule)


def public(view: View) -> View:
    """Declare that anybody may call a view, logged in or not."""
    return _mark(view, PUBLIC)


def declare(app: Flask, endpoint: str, rule: Policy) -> None:
    """Give a policy to a view that a library brings."""
    app.extensions.setdefault(DECLARED, {})[endpoint] = rule


def _mark(view: View, rule: Policy) -> View:
    view.__policy__ = rule  # type: ignore[attr-defined]
    return view


def policy_of(app: Flask, endpoint: str) -> Policy | None:
    """Return what the route declares, None when it declares nothing."""
    declared: Policy | None = app.extensions.get(DECLARED, {}).get(endpoint)
    return declared or getattr(app.view_functions[endpoint], "__policy__", None)


def undeclared(app: Flask) -> Iterator[str]:
    """Yield the rules of ``app`` that declare no policy."""
    for rule in app.url_map.iter_rules():
        if policy_of(app, rule.endpoint) is None:
            yield f"{rule.rule} ({rule.endpoint})"


def refuse_undeclared(app: Flask) -> None:
    """Raise :class:`RouteWithoutPolicy` naming every route that declares no policy."""
    if missing := sorted(undeclared(app)):
        raise RouteWithoutPolicy("no @policy on: " + "; ".join(missing))
