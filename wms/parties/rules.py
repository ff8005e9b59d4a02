"""Who may be what, and what a company and a place must look like. Pure: no database, no clock."""

import re
from collections.abc import Collection
from datetime import date

from wms.errors import N_, Kind, WmsError

CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,29}")
CUSTOMS_CODE = re.compile(r"[0-9A-Z]{10}")
OF_THE_HOUSE = frozenset({"operator", "customs"})  # companies whose people see the rows of all companies


class BadCode(WmsError):
    """A code of a company, site or location breaks its form."""

    code = "bad_code"
    kind = Kind.INVALID
    text = N_("%(given)s is not a code: 1 to 30 capital letters, digits, dots, dashes or underscores.")


class CodeTaken(WmsError):
    """The code is in use."""

    code = "code_taken"
    kind = Kind.CONFLICT
    text = N_("The code %(given)s is already in use.")


class BadUscc(WmsError):
    """The unified social credit code fails GB 32100-2015: 18 characters with a check character."""

    code = "bad_uscc"
    kind = Kind.INVALID
    text = N_("%(given)s is not a unified social credit code: its form or check character is wrong.")


class BadCustomsCode(WmsError):
    """The customs registration code has not ten digits or capital letters."""

    code = "bad_customs_code"
    kind = Kind.INVALID
    text = N_("%(given)s is not a customs registration code: it has ten digits or capital letters.")


class UnknownRole(WmsError):
    """There is no such role of a company or person."""

    code = "unknown_role"
    kind = Kind.INVALID
    text = N_("There is no role %(role)s. The roles are: %(roles)s.")


class UnknownKind(WmsError):
    """There is no such kind of site or location."""

    code = "unknown_kind"
    kind = Kind.INVALID
    text = N_("There is no kind %(kind)s. The kinds are: %(kinds)s.")


class NameMissing(WmsError):
    """Chinese and English names are both needed: papers of both sides carry them."""

    code = "name_missing"
    kind = Kind.INVALID
    text = N_("A name in Chinese and one in English are needed.")


class BadPeriod(WmsError):
    """A role would end before it begins."""

    code = "bad_period"
    kind = Kind.INVALID
    text = N_("The role would end on %(until)s, before it begins on %(start)s.")


class RoleNotForCompany(WmsError):
    """The company's kind of work does not allow the person that role."""

    code = "role_not_for_company"
    text = N_("Only a person of customs can be a customs officer, and people of customs only that or auditor.")


class CustomsGivesItself(WmsError):
    """An administrator tried to make a customs officer: that would let them release a held vehicle."""

    code = "customs_gives_itself"
    kind = Kind.FORBIDDEN
    text = N_("Only customs can give the role of a customs officer, or a login to people of customs.")


class BadPlace(WmsError):
    """Coordinates outside the globe."""

    code = "bad_place"
    kind = Kind.INVALID
    text = N_("Latitude lies between -90 and 90 degrees, longitude between -180 and 180.")


class OtherSite(WmsError):
    """A location's parent lies in another site."""

    code = "parent_in_other_site"
    kind = Kind.INVALID
    text = N_("The location %(parent)s lies in another site.")


class NotBonded(WmsError):
    """A bonded location outside a bonded site."""

    code = "site_not_bonded"
    text = N_("The site %(site)s is not bonded, so none of its locations can be.")


def sees_all(company_roles: Collection[str]) -> bool:
    """Whether people of a company with these roles see the rows of all companies: the operator's and customs'."""
    return bool(OF_THE_HOUSE & set(company_roles))


def valid_roles(roles: Collection[tuple[str, date | None, date | None]], on: date) -> frozenset[str]:
    """Return the roles (name, valid from, valid until, both inclusive, None: open) that hold on the day ``on``."""
    return frozenset(
        role for role, start, until in roles if (start is None or start <= on) and (until is None or on <= until)
    )


def checked_code(given: str, field: str = "code") -> str:
    """Return the code in capitals. Raises :class:`BadCode`."""
    code = given.strip().upper()
    if not CODE.fullmatch(code):
        raise BadCode(field=field, given=given)
    return code


def checked_names(name_zh: str, name_en: str) -> tuple[str, str]:
    """Return both names without outer spaces. Raises :class:`NameMissing`."""
    names = name_zh.strip(), name_en.strip()
    if not names[0]:
        raise NameMissing(field="name_zh")
    if not names[1]:
        raise NameMissing(field="name_en")
    return names


def checked_customs_code(given: str | None) -> str | None:
    """Return the customs registration code in capitals, None for none. Raises :class:`BadCustomsCode`."""
    if not given:
        return None
    code = given.strip().upper()
    if not CUSTOMS_CODE.fullmatch(code):
        raise BadCustomsCode(field="customs_code", given=given)
    return code


def refuse_role(role: str, company_roles: Collection[str], giver_role: str) -> None:
    """Raise when a person of a company with these roles may not be given ``role`` by somebody acting as ``giver_role``.

    Customs alone releases held vehicles; so an operator's administrator must not be able to make a customs officer.
    """
    is_customs = "customs" in company_roles
    if (role == "customs_officer") != is_customs and not (is_customs and role == "auditor"):
        raise RoleNotForCompany(field="role")
    refuse_giver(company_roles, giver_role)


def refuse_giver(company_roles: Collection[str], giver_role: str) -> None:
    """Raise :class:`CustomsGivesItself` when somebody else than customs or the installation changes customs' people."""
    if "customs" in company_roles and giver_role not in ("system", "customs_officer"):
        raise CustomsGivesItself(field="role")
