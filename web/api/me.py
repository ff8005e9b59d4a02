"""Who am I: what a client needs to know about its own token or login."""

from apiflask import APIBlueprint

from web.api.schemas import Answer
from web.auth.policy import ROLES, policy
from web.context import current_identity

bp = APIBlueprint("api_me", __name__, url_prefix="/api/v1", tag="People")


class Me(Answer):
    """The caller as the system sees it."""

    person_id: int | None
    login_name: str
    name_zh: str
    name_en: str
    roles: list[str]
    company_id: int | None
    company_name_zh: str
    company_name_en: str
    sees_all: bool
    via: str


@bp.get("/me")
@policy(*ROLES, firms=True)
@bp.output(Me)
def me() -> Me:
    """Say who calls, in which roles, and for which company."""
    who = current_identity()
    assert who is not None
    return Me.model_validate({**vars(who), "roles": sorted(who.roles)})
