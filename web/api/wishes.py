"""What may be wished of a plan beside its time and weeks, in the bodies of requests."""

from typing import Annotated, Literal

from pydantic import Field

from routing.wishes import Wishes
from web.api.schemas import Body


class WishesIn(Body):
    """Delays and canals of a plan."""

    quantile: Annotated[int, Field(strict=True, ge=50, le=95)] | None = Field(
        default=None, description="plan on the delay that no more of 100 departures exceed; by default the timetables"
    )
    suez: Literal["open", "closed"] | None = Field(default=None, description="by default as the network says")
    panama: Literal["open", "closed"] | None = Field(default=None, description="by default as the network says")

    def wishes(self) -> Wishes:
        """What is wished beside time and weeks."""
        said = {"suez": self.suez, "panama": self.panama}
        canals = {name: status for name, status in said.items() if status is not None}
        return Wishes.model_validate({"quantile": self.quantile, "canals": canals})
