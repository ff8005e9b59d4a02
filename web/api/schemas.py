"""Ground of all request bodies: unknown fields are refused, numbers are numbers, texts hold no NUL."""

import re
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)  # fmt: skip
from pydantic_core import PydanticCustomError

LARGEST = 2**63 - 1
FIRST_AT, LAST_AT = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def _believable(at: datetime) -> datetime:
    """Refuse instants that no clock shows: a zone's shift would carry the first and last ones out of the calendar.

    A clock whose battery is empty begins in 1970.
    """
    if not FIRST_AT <= at < LAST_AT:
        raise PydanticCustomError("instant_beyond", "must lie between the years 1970 and 8999")
    return at


Whole = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]  # "12", 1.0 and true are not whole numbers
Count = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
RowId = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
Code = Annotated[str, Field(min_length=1, max_length=80)]
Small = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]  # a number of lines, millimetres, loose pieces
Text = Annotated[str, Field(max_length=2000)]
Instant = Annotated[AwareDatetime, AfterValidator(_believable)]


# Numbers, also in quotes, would pass for seconds since 1970; a day after the last one of the calendar is none.
NUMBER = re.compile(r"[-+0-9.eE_ ]*", re.ASCII)
BELIEVABLE = re.compile(r"(?!9999)(19|[2-9][0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)
ANY_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Checked(BaseModel):
    """No text holds a NUL; days and instants are texts, of a day between 1900 and 9998."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_nul(cls, given: Any) -> Any:
        if _holds_nul(given):
            raise PydanticCustomError("nul_in_text", "must not hold the character NUL")
        return given

    @field_validator("*", mode="before")
    @classmethod
    def _is_written_day(cls, given: Any, info: ValidationInfo) -> Any:
        if not isinstance(given, (str, int, float)) or info.field_name not in _moments(cls):
            return given
        written = str(given).strip()
        is_wrong = not BELIEVABLE.match(written) if ANY_DAY.match(written) else NUMBER.fullmatch(written)
        if is_wrong or isinstance(given, bool):
            raise PydanticCustomError("day_beyond", "must begin with a day like 2026-01-31, from 1900 to 9998")
        return given


@cache
def _moments(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields of a model that hold a day or an instant."""
    return frozenset(name for name, field in model.model_fields.items() if _is_moment(field.annotation))


def _is_moment(kind: Any) -> bool:
    if any(_is_moment(part) for part in get_args(kind)):
        return True
    return kind is AwareDatetime or (isinstance(kind, type) and issubclass(kind, date))


class Body(Checked):
    """A request body. An unknown field is a mistake of the caller and is said, not swallowed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class Query(Checked):
    """Parameters of a list's address; they arrive as text, so numbers are read from it."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, frozen=True)


class Page(Query):
    """Which part of a list: after the row ``after``, at most ``limit`` rows."""

    after: int = Field(default=0, ge=0, le=LARGEST)
    limit: int = Field(default=50, ge=1, le=500)


class Answer(BaseModel):
    """A response body, filled from a frozen row."""

    model_config = ConfigDict(from_attributes=True)


def _holds_nul(given: Any) -> bool:
    if isinstance(given, str):
        return "\0" in given
    if isinstance(given, dict):
        return any(_holds_nul(key) or _holds_nul(value) for key, value in given.items())
    if isinstance(given, list):
        return any(_holds_nul(value) for value in given)
    return False
