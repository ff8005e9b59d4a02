"""Ground of all request bodies: unknown fields are refused, numbers are numbers, texts hold no NUL."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

LARGEST = 2**63 - 1

Whole = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]  # "12", 1.0 and true are not whole numbers
Count = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
RowId = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
Code = Annotated[str, Field(min_length=1, max_length=80)]
Text = Annotated[str, Field(max_length=2000)]
Instant = AwareDatetime


class Body(BaseModel):
    """A request body. An unknown field is a mistake of the caller and is said, not swallowed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_nul(cls, given: Any) -> Any:
        if _holds_nul(given):
            raise PydanticCustomError("nul_in_text", "must not hold the character NUL")
        return given


class Query(BaseModel):
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
