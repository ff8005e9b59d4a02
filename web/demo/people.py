"""Companies, persons and the demo's logins. All names are invented; persons are called by their work.

USCCs carry valid check characters round an organisation code ``DEM…``, which the register does not give out.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from web.auth.credentials import create_credential
from web.demo.bulk import insert_rows
from web.demo.read_data import rows_of
from wms.codes import uscc
from wms.parties.tables import Company, CompanyRole, Person, PersonRole

REGION = "430600"  # Yueyang, GB/T 2260
CUSTOMS_REGION, ZONE_TYPE, ENTERPRISE_TYPE = "43066", "6", "D"  # ten characters with a serial of three


@dataclass(frozen=True)
class DemoUser:
    """A login of the demo. Passwords are public, so a demo must stay on its own machine."""

    login: str
    role: str
    company: str
    name_zh: str
    name_en: str

    @property
    def password(self) -> str:
        """Long enough for the rules, easy to type, the same everywhere."""
        return f"tower-by-the-lake-{self.login}"


DEMO_USERS = tuple(DemoUser(**row) for row in rows_of("users.csv"))


def valid_uscc(organisation: str) -> str:
    """A unified social credit code with both check characters right, round eight characters of organisation code."""
    body = f"91{REGION}{organisation}{uscc.organisation_check(organisation)}"
    return body + uscc.check_character(body)


def company_rows() -> list[dict[str, Any]]:
    """Every company, as its table wants it."""
    return [
        {
            "code": row["code"],
            "name_zh": row["name_zh"],
            "name_en": row["name_en"],
            "uscc": valid_uscc(row["uscc_serial"]),
            "customs_code": f"{CUSTOMS_REGION}{ZONE_TYPE}{ENTERPRISE_TYPE}{row['customs_serial']}"
            if row["customs_serial"]
            else None,
        }
        for row in rows_of("companies.csv")
    ]


def enter_people(session: Session) -> dict[str, int]:
    """Write companies, persons and logins; return company ids by code."""
    rows = company_rows()
    companies = dict(zip((row["code"] for row in rows), insert_rows(session, Company, rows), strict=True))
    session.add_all(
        CompanyRole(company_id=companies[row["code"]], role=role)
        for row in rows_of("companies.csv")
        for role in row["roles"].split()
    )
    for user in DEMO_USERS:
        person = Person(company_id=companies[user.company], name_zh=user.name_zh, name_en=user.name_en)
        session.add(person)
        session.flush()
        session.add(PersonRole(person_id=person.id, role=user.role))
        create_credential(session, person_id=person.id, login_name=user.login, password=user.password)
    session.flush()
    return companies
