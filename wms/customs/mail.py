"""Every message of customs that concerns a document of ours has its handler, whichever door it comes by."""

from wms.customs import corresponding
from wms.customs.parcels import exchange
from wms.parties.private import keys_of


def register() -> None:
    """Enter the handlers of lists, passes and parcels at the post office; said twice, it stands."""
    exchange.register(keys_of)
    corresponding.register()
