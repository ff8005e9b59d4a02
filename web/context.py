"""What a view may ask of the request it answers: who calls, for whom rows are visible, the database, the settings."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from flask import current_app, g
from sqlalchemy.orm import Session

from wms.customs.messages.keys import signer_of
from wms.customs.outgoing import Desk
from wms.db import Database, Scope
from wms.parties.private import Vault, open_vault
from wms.settings import Settings

if TYPE_CHECKING:
    from web.auth.identity import Identity

KEY = "dongting"
VAULT, DESK = "dongting.vault", "dongting.customs_desk"


@dataclass(frozen=True)
class House:
    """What create_app joined; one for each application."""

    settings: Settings
    database: Database


def house() -> House:
    found: House = current_app.extensions[KEY]
    return found


def settings() -> Settings:
    return house().settings


def database() -> Database:
    return house().database


def vault() -> Vault:
    """Return the keys of personal data, read once by each process."""
    extensions = current_app.extensions
    if VAULT not in extensions:
        extensions[VAULT] = open_vault(settings().data_dir)
    found: Vault = extensions[VAULT]
    return found


def customs_desk() -> Desk:
    """Return how declarations leave: with which key, or by hand. The key is read once, when something is signed."""
    extensions = current_app.extensions
    if DESK not in extensions:
        given = settings()
        key = cache(partial(signer_of, given.customs_key, given.data_dir))
        extensions[DESK] = Desk(key, is_by_hand=given.customs_by_hand)
    found: Desk = extensions[DESK]
    return found


def current_identity() -> "Identity | None":
    """Return who calls, None when nobody is logged in (public routes only)."""
    found: Identity | None = g.get("caller")
    return found


def current_scope() -> Scope:
    """Return the scope of the caller: role they act in on this route, company, and whether they see all rows.

    On a public route without a login it is a scope that sees no company's rows.
    """
    who = current_identity()
    if who is None:
        return Scope(settings().tenant_id, role="nobody", sees_all=False)
    return who.scope(g.policy.roles or None)


def planning_company() -> int | None:
    """The firm that the caller plans for; None: the operator, who plans for all."""
    who = current_scope()
    return None if who.sees_all else who.company_id


def unit_of_work() -> AbstractContextManager[Session]:
    """Open one transaction for the caller; row-level security shows it what the caller may see."""
    return database().unit_of_work(current_scope())
