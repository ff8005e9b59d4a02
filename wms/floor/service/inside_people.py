"""Who acts, and whether they may: the second person's rules of counts, adjustments and destructions."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wms.floor.rules.counting import SupervisorOnly
from wms.floor.service.counting_in import APP_PERSON
from wms.parties.tables import PersonRole


def current_person(session: Session) -> int | None:
    """Return the person of this transaction; None for a program."""
    return session.scalar(select(APP_PERSON))


def has_role(session: Session, person_id: int | None, roles: tuple[str, ...], site_id: int) -> bool:
    """Whether a person has one of the roles at a site, or everywhere."""
    if person_id is None:
        return False
    query = select(PersonRole.id).where(
        PersonRole.person_id == person_id,
        PersonRole.role.in_(roles),
        or_(PersonRole.site_id.is_(None), PersonRole.site_id == site_id),
    )
    return session.scalar(query.limit(1)) is not None


def require_supervisor(session: Session, site_id: int) -> int:
    """Return the person of this transaction if they supervise the site. Raises SupervisorOnly."""
    person_id = current_person(session)
    if person_id is None or not has_role(session, person_id, ("supervisor",), site_id):
        raise SupervisorOnly
    return person_id
