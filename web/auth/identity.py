"""Who is asking: a person with a browser session or a machine with a token, in one shape."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.auth.policy import ROLES
from web.auth.tables import ApiToken, Credential
from wms.db import Scope
from wms.parties import rules
from wms.parties.tables import Company, CompanyRole, Person, PersonRole

VALID_TODAY = (
    func.coalesce(CompanyRole.valid_from_on, func.current_date()) <= func.current_date(),
    func.coalesce(CompanyRole.valid_until_on, func.current_date()) >= func.current_date(),
)


@dataclass(frozen=True)
class Identity:
    """A caller that proved who it is. ``sees_all`` is false for people of a firm: they see its cargo alone."""

    tenant_id: int
    roles: frozenset[str]
    sees_all: bool
    via: Literal["session", "token"]
    name_zh: str
    name_en: str
    company_id: int | None = None
    company_name_zh: str = ""
    company_name_en: str = ""
    person_id: int | None = None
    login_name: str = ""
    token_id: int | None = None

    def acting_role(self, allowed: frozenset[str] | None = None) -> str:
        """Return the role in which the caller acts: the first of theirs, in the fixed order, that is allowed."""
        mine = self.roles & allowed if allowed else self.roles
        return next((role for role in ROLES if role in mine), "nobody")

    def scope(self, allowed: frozenset[str] | None = None) -> Scope:
        """Return the scope of a transaction made for this caller."""
        return Scope(
            tenant_id=self.tenant_id,
            person_id=self.person_id,
            role=self.acting_role(allowed),
            company_id=self.company_id,
            sees_all=self.sees_all,
        )


def company_sees_all(session: Session, company_id: int | None) -> bool:
    """Whether people of this company see rows of all companies (operator, customs); no company: the installation."""
    if company_id is None:
        return True
    roles = session.scalars(select(CompanyRole.role).where(CompanyRole.company_id == company_id, *VALID_TODAY))
    return rules.sees_all(frozenset(roles))


def of_person(session: Session, credential: Credential) -> Identity | None:
    """Return the identity behind a credential, None when the person is no longer active."""
    roles = select(func.array_agg(PersonRole.role)).where(PersonRole.person_id == Person.id).scalar_subquery()
    held = select(func.array_agg(CompanyRole.role)).where(CompanyRole.company_id == Company.id, *VALID_TODAY)
    query = select(Person, Company, roles, held.scalar_subquery()).join(Company, Company.id == Person.company_id)
    person, company, person_roles, company_roles = session.execute(
        query.where(Person.id == credential.person_id)
    ).one()
    if not person.is_active:
        return None
    return Identity(
        tenant_id=credential.tenant_id,
        roles=frozenset(person_roles or ()),
        sees_all=rules.sees_all(company_roles or ()),
        via="session",
        name_zh=person.name_zh,
        name_en=person.name_en,
        company_id=company.id,
        company_name_zh=company.name_zh,
        company_name_en=company.name_en,
        person_id=person.id,
        login_name=credential.login_name,
    )


def of_token(session: Session, token: ApiToken) -> Identity:
    """Return the identity behind a valid token."""
    company = session.get(Company, token.company_id) if token.company_id else None
    return Identity(
        tenant_id=token.tenant_id,
        roles=frozenset({token.role}),
        sees_all=company_sees_all(session, token.company_id),
        via="token",
        name_zh=token.label,
        name_en=token.label,
        company_id=token.company_id,
        company_name_zh=company.name_zh if company else "",
        company_name_en=company.name_en if company else "",
        token_id=token.id,
    )
