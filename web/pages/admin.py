"""Administration: people and their roles, companies, and API tokens."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth import credentials
from web.auth.policy import policy
from web.auth.tables import ApiToken, Credential
from web.auth.tokens import create_token, revoke_token
from web.context import current_identity, current_scope, unit_of_work
from web.pages.deeds import refusal_of
from wms.errors import NotFound, WmsError
from wms.parties import queries, service
from wms.parties.tables import PERSON_ROLES
from wms.record.service import append_leaf

bp = Blueprint("admin", __name__, url_prefix="/admin")
MAY_GIVE = ("administrator", "customs_officer")  # customs enters its own people; nobody else can


@bp.get("")
@policy(*MAY_GIVE)
def people() -> str:
    """People, their roles, whether they can log in."""
    return _people_page()


def _people_page(problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        rows = queries.people(session, limit=500)
        companies = queries.companies(session, limit=500)
        names = {row.person_id: row.login_name for row in session.scalars(select(Credential))}
    return render_template(
        "admin/people.html", people=rows, companies=companies, login_names=names, roles=PERSON_ROLES, problem=problem,
        form=request.form,
    )  # fmt: skip


@bp.post("/people")
@policy(*MAY_GIVE)
def add_person() -> AnyResponse | tuple[str, int]:
    """Enter a person, with a login where a name and password are given."""
    form = request.form
    given = {name: form.get(name, "").strip() for name in ("name_zh", "name_en", "company_id", "login_name")}
    new = service.NewPerson(
        int(given["company_id"]) if given["company_id"].isdecimal() else 0,
        given["name_zh"], given["name_en"], tuple(form.getlist("role")),
    )  # fmt: skip
    acting = current_scope().role

    def act(session: Session) -> dict[str, Any]:
        person_id = service.add_person(session, new, acting)
        if given["login_name"]:
            credentials.create_credential(
                session, person_id=person_id, login_name=given["login_name"].lower(), password=form.get("password", "")
            )
        _record(session, "person_added", person_id, roles=sorted(new.roles), company_id=new.company_id)
        return {"person_id": person_id}

    content = given | {"roles": sorted(new.roles)}
    problem = refusal_of(content, act, _("%(name)s was entered.", name=new.name_zh))
    if problem is not None:
        return _people_page(problem), 422
    return redirect(url_for("admin.people"))


@bp.post("/people/<int:person_id>")
@policy(*MAY_GIVE, subject="person")
def change_person(person_id: int) -> AnyResponse | tuple[str, int]:
    """Give or take a role, let in, keep out, unlock, or give a new password (``deed`` says which)."""
    deed, role = request.form.get("deed", ""), request.form.get("role", "")
    try:
        with unit_of_work() as session:
            _change(session, person_id, deed, role)
    except NotFound:
        raise
    except WmsError as refusal:
        flash(_(refusal.text, **refusal.values), "error")
    return redirect(url_for("admin.people"))


def _change(session: Session, person_id: int, deed: str, role: str) -> None:
    acting = current_scope().role
    if deed == "give":
        service.give_role(session, person_id, role, acting)
    elif deed == "take":
        service.take_role(session, person_id, role, acting)
    elif deed in ("activate", "deactivate"):
        service.set_active(session, person_id, deed == "activate", acting)
    elif deed == "unlock":
        service.refuse_stranger(session, person_id, acting)
        _unlock(session, person_id)
    elif deed == "password":
        service.refuse_stranger(session, person_id, acting)
        password = credentials.replace_password(session, person_id)
        flash(_("New password, shown once: %(password)s", password=password))
    else:
        raise NotFound(field="deed", what=deed)
    _record(session, f"person_{deed}", person_id, role=role)


def _unlock(session: Session, person_id: int) -> None:
    name = session.scalar(select(Credential.login_name).where(Credential.person_id == person_id))
    if name is None:
        raise NotFound(what=f"person {person_id}")
    credentials.unlock(session, name)


@bp.get("/companies")
@policy(*MAY_GIVE, "auditor", "supervisor")
def companies() -> str:
    """Companies and what they are here."""
    with unit_of_work() as session:
        rows = queries.companies(session, limit=500)
    return render_template("admin/companies.html", companies=rows)


@bp.get("/tokens")
@policy("administrator")
def tokens() -> str:
    """API tokens: who made them, when they were last used, when they end."""
    return _tokens_page()


def _tokens_page(secret: str = "", problem: str = "") -> str:
    with unit_of_work() as session:
        rows = session.scalars(select(ApiToken).order_by(ApiToken.id.desc()).limit(200)).all()
        companies = queries.companies(session, limit=500)
    return render_template(
        "admin/tokens.html", tokens=rows, companies=companies,
        roles=[role for role in PERSON_ROLES if role != "customs_officer"], secret=secret, problem=problem,
        names={company.id: company for company in companies}, form=request.form,
    )  # fmt: skip


@bp.post("/tokens")
@policy("administrator", per_minute=20)
def add_token() -> str | tuple[str, int]:
    """Make a token and show its secret, this once. The secret is in no other answer, log or table."""
    form = request.form
    days = form.get("days", "90")
    try:
        with unit_of_work() as session:
            made = create_token(
                session, role=form.get("role", ""), label=form.get("label", "").strip()[:80] or "–",
                company=form.get("company") or None, days=int(days) if days.isdecimal() else 0,
                created_by_id=current_scope().person_id, acting_role=current_scope().role,
            )  # fmt: skip
            _record(session, "token_created", made.id, role=form.get("role", ""), prefix=made.prefix)
    except WmsError as refusal:
        return _tokens_page(problem=_(refusal.text, **refusal.values)), 422
    return _tokens_page(secret=made.secret)


@bp.post("/tokens/<int:token_id>/revoke")
@policy("administrator", subject="token")
def revoke(token_id: int) -> AnyResponse:
    """Take a token back, at once."""
    with unit_of_work() as session:
        revoke_token(session, token_id)
        _record(session, "token_revoked", token_id)
    flash(_("The token is revoked."))
    return redirect(url_for("admin.tokens"))


def _record(session: Session, kind: str, subject_id: int, **more: Any) -> None:
    """Append who did it and in which role; the record is where an auditor looks."""
    who = current_identity()
    by = {"person_id": who.person_id if who else None, "token_id": who.token_id if who else None}
    append_leaf(session, kind, {"subject_id": subject_id, "by": by, "role": current_scope().role, **more})
