"""The pages of the desk by what they are about. Only what the caller may open is shown."""

from dataclasses import dataclass

from flask import request

from web.navigation import Way, open_ways
from wms.errors import N_


@dataclass(frozen=True)
class Group:
    """Pages about one thing; the first of them opens when the group is chosen."""

    label: str
    icon: str
    ways: tuple[Way, ...]


STOCK = (
    Way("/desk", N_("Stock on hand"), "boxes", N_("What lies where, whose it is and in which customs status.")),
    Way("/desk/age", N_("Age and expiry"), "clock", N_("How old stock is, and when it expires.")),
    Way("/desk/units", N_("Handling units"), "container", N_("What stands in what, and where its goods came from.")),
    Way("/desk/temperature", N_("Cold chain"), "warn", N_("Where it is too warm, and which goods were there.")),
    Way("/desk/transfers", N_("Transfers"), "route", N_("What is on its way between sites, what is late or missing.")),
    Way("/desk/replenishment", N_("Replenishment"), "boxes", N_("What to send to warehouses abroad, and why.")),
    Way("/desk/sell-through", N_("Sell-through"), "list", N_("What came, what was sold and how long the rest lasts.")),
)
OUTBOUND = (
    Way("/desk/orders", N_("Orders"), "list", N_("What owners want sent, and how far it is.")),
    Way("/desk/waves", N_("Waves"), "wave", N_("Gather orders, start picking, follow it and call it off.")),
    Way("/desk/parcels", N_("Parcels"), "container", N_("What is packed, how much it weighs and how far it is.")),
    Way("/desk/appointments", N_("Appointments"), "clock", N_("Slots at the gate, and which vehicle comes when.")),
    Way("/desk/loads", N_("Loads"), "truck", N_("What stands on which vehicle, and whether its pass says the same.")),
)
INSIDE = (
    Way("/desk/counts", N_("Counts"), "list", N_("Counts that run, and differences that wait for a supervisor.")),
    Way("/desk/returns", N_("Returns"), "back", N_("What comes back, how it is graded, until when it may.")),
    Way("/desk/found-goods", N_("Found goods"), "search", N_("Goods without a name: where they stand, who decides.")),
    Way("/desk/inside", N_("Inside"), "boxes", N_("Adjustments, quarantine, destruction, kits and replenishment.")),
)
SUPERVISION = (
    Way("/desk/work", N_("Work"), "people", N_("What waits, who does what now, what was done today.")),
    Way("/desk/billing", N_("Billing"), "scale", N_("What owners owe for storage and handling, from the ledger.")),
    Way("/desk/months", N_("Closed months"), "lock", N_("Until when the ledger is closed, and by whom.")),
)
PAPER = (
    Way("/desk/paper", N_("Paper"), "document", N_("Labels, packing lists and count sheets; printers.")),
    Way("/desk/imports", N_("Import"), "upload", N_("Enter lists from CSV and XLSX files.")),
    Way("/desk/webhooks", N_("Webhooks"), "next", N_("Who is told of stock changes, and what was sent.")),
    Way("/desk/transfer-lanes", N_("Transfer lanes"), "route", N_("How long goods take from site to site.")),
    Way("/desk/temperature-limits", N_("Limits of temperature"), "warn", N_("How warm goods may be, and how long.")),
    Way("/desk/values", N_("Rates and limits"), "list", N_("What holds from which day, and where it is taken from.")),
)
CUSTOMS = (
    Way("/desk/retail-orders", N_("Retail orders"), "list", N_("Orders, payments and waybills, and what disagrees.")),
    Way("/desk/declarations", N_("Parcel declarations"), "document", N_("What is declared and what customs said.")),
    Way("/desk/parcel-returns", N_("Returned parcels"), "back", N_("What buyers sent back, and until when it may.")),
    Way("/desk/tax-bills", N_("Tax bills"), "scale", N_("What customs levies on parcels, against our own sums.")),
    Way("/desk/quota", N_("Quota"), "people", N_("What a buyer has used of the year's limit.")),
    Way("/desk/verification-lists", N_("Verification lists"), "list", N_("What comes into the books and leaves them.")),
    Way("/desk/gate-passes", N_("Gate passes"), "truck", N_("Which vehicle may take what through the gate.")),
    Way("/desk/filings", N_("Filings"), "document", N_("What may move first and is declared later.")),
    Way("/desk/transits", N_("Transits"), "route", N_("What travels under seal to another customs office.")),
    Way("/desk/pick-ups", N_("Pick-ups"), "people", N_("Parcels that their buyers collected in person.")),
    Way("/desk/meat", N_("Meat from abroad"), "document", N_("Permits, papers and what waits for its certificate.")),
    Way("/desk/customs-messages", N_("Customs messages"), "next", N_("What went to customs, and what came back.")),
)
DESK_GROUPS = (
    Group(N_("Stock"), "boxes", STOCK),
    Group(N_("Outbound"), "truck", OUTBOUND),
    Group(N_("In the house"), "home", INSIDE),
    Group(N_("Customs"), "shield", CUSTOMS),
    Group(N_("Supervision"), "people", SUPERVISION),
    Group(N_("Paper and files"), "document", PAPER),
)


def desk_groups() -> list[Group]:
    """Return the groups with those of their pages that exist and that the caller may open; none is empty."""
    shown = (Group(group.label, group.icon, tuple(open_ways(group.ways))) for group in DESK_GROUPS)
    return [group for group in shown if group.ways]


def is_open(way: Way) -> bool:
    """Whether the page shown is this one, or lies under it."""
    here = request.path
    if here.startswith("/desk/slips/"):  # a slip belongs to its filing and has no list of its own
        here = "/desk/filings"
    return here == way.path or (way.path != "/desk" and here.startswith(way.path + "/"))
