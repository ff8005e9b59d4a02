"""A dictionary for loops that await."""

from typing import Any


class SteadyDict(dict[str, Any]):
    """A dictionary that may change while it is walked: amqtt awaits inside its loops over the subscriptions."""

    def __iter__(self) -> Any:
        return iter(list(super().keys()))

    def items(self) -> Any:
        return list(super().items())
