"""What may be wished of a plan beside its time and weeks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from routing.network import Canal, Frozen, Status


class Wishes(Frozen):
    """`quantile`: per cent of departures of which the delay is planned for; empty: by the timetables. `canals`: those
    that are otherwise than the network says."""

    quantile: Annotated[int, Field(ge=50, le=99)] | None = None
    canals: dict[Canal, Status] = Field(default_factory=dict)


NO_WISHES = Wishes()
