"""What is sent to the addresses of retail parcels."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from web.api.schemas import Body, Code, Instant, Page, RowId, Text
from wms.customs.parcels.receiving import OF_CANCEL, OF_DECLARATION, OF_RETURN
from wms.customs.tables.parcels import DECLARATION_STATES, MATCHES

Node = dict[str, str | int | None]
KINDS = (*OF_DECLARATION, *OF_CANCEL, *OF_RETURN)
ORDER_EXAMPLE: dict[str, Any] = {
    "direction": "I",
    "documents": [
        {
            "head": {"guid": "4C3B8A10-0000-4000-8000-000000000001", "appType": "1", "appTime": "20260601120000",
                     "orderType": "I", "orderNo": "O-1", "ebpCode": "4306960001", "ebpName": "平台",
                     "ebcCode": "4306960002", "ebcName": "电商", "goodsValue": "279.00", "freight": "0",
                     "discount": "0", "taxTotal": "25.39", "acturalPaid": "304.39", "currency": "142",
                     "buyerName": "…", "buyerTelephone": "…", "buyerIdType": "1", "buyerIdNumber": "…",
                     "consignee": "…", "consigneeTelephone": "…", "consigneeAddress": "…"},
            "lines": [{"gnum": 1, "itemNo": "MILK", "itemName": "奶粉", "gmodel": "900g/罐", "unit": "122", "qty": "1",
                       "price": "279.00", "totalPrice": "279.00", "currency": "142", "country": "609"}],
        }
    ],
}  # fmt: skip


class DocumentIn(Body):
    """A document under its message's own field names (CEB311, 411, 511; exports CEB303, 403, 505)."""

    head: Node
    lines: Annotated[list[Node], Field(max_length=100)] = []  # noqa: RUF012 - pydantic copies it


class DocumentsIn(Body):
    """Up to a hundred documents of one kind. Each is taken or refused on its own."""

    model_config = ConfigDict(json_schema_extra={"examples": [ORDER_EXAMPLE]})

    direction: Literal["I", "E"] = "I"
    documents: Annotated[list[DocumentIn], Field(min_length=1, max_length=100)]


class TermsIn(Body):
    """The head of the declarations; names as in CEB621 and CEB603, in small letters."""

    direction: Literal["I", "E"] = "I"
    trade_mode: Code
    customs_code: Code
    port_code: Code
    agent_code: Code
    agent_name: Code
    traf_mode: Code
    country: Code
    assure_code: str = ""
    ems_no: str = ""
    area_code: str = ""
    area_name: str = ""
    traf_no: str = ""
    voyage_no: str = ""
    bill_no: str = ""
    loct_no: str = ""
    license_no: str = ""
    wrap_type: str = ""
    ie_date: str = ""
    note: str = ""
    statistics_flag: Literal["A", "B"] = "A"
    owner_code: str = "NO"
    owner_name: str = ""
    iac_code: str = ""
    iac_name: str = ""
    pod: str = ""


class FilingIn(Body):
    """What an item is for customs, where the catalogue does not say it; factors are decimals as text."""

    gcode: Code
    record_no: str = ""
    unit1: str = ""
    factor1: Decimal = Decimal(1)
    unit2: str = ""
    factor2: Decimal | None = None
    net_weight: Decimal | None = None
    gmodel: str = ""


class DrawUpIn(Body):
    """Orders of one platform to be declared on the same terms.

    ``waybills`` gives by order number the waybill of an export, whose message names no order.
    """

    ebp_code: Code
    orders: Annotated[list[Code], Field(min_length=1, max_length=100)]
    terms: TermsIn
    logistics_code: Code | None = None
    waybills: dict[str, Code] = {}  # noqa: RUF012 - pydantic copies it
    filings: dict[str, FilingIn] = {}  # noqa: RUF012 - pydantic copies it


class DeclareIn(Body):
    """Declarations, by our numbers."""

    numbers: Annotated[list[Code], Field(min_length=1, max_length=100)]


class ParcelReceiptIn(Body):
    """A receipt of customs: 622/604 for a declaration, 624/606 for a cancellation, 626/214 for a return."""

    kind: Literal[KINDS]  # type: ignore[valid-type]
    status: Annotated[str, Field(min_length=1, max_length=10)]
    info: Annotated[str, Field(max_length=1000)] = ""
    pre_no: Code | None = None
    invt_no: Code | None = None
    at: Instant | None = None


class ParcelReasonIn(Body):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class ParcelReturnLineIn(Body):
    """Goods that come back, as on the original declaration."""

    line_no: RowId
    gcode: Code
    qty: Decimal


class WayBackIn(Body):
    """How goods of an export come back; carrier, waybill and trade mode are worked out where they are not said."""

    traf_mode: Code
    traf_name: Code
    voyage_no: Code
    port_code: Code
    country: Code
    bill_no: str = ""
    logistics_code: str = ""
    logistics_name: str = ""
    waybill_no: str = ""
    loct_no: str = ""
    trade_mode: str = ""


class ParcelReturnIn(Body):
    """Take goods of a parcel back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"reason": "unwanted", "lines": [{"line_no": 1, "gcode": "6912001000", "qty": "1"}],
                 "way": {"traf_mode": "5", "traf_name": "CZ3002", "voyage_no": "CZ3002", "port_code": "4902",
                         "country": "502"}}
            ]
        }
    )  # fmt: skip

    way: WayBackIn | None = None
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    lines: Annotated[list[ParcelReturnLineIn], Field(min_length=1, max_length=99)]
    at: Instant | None = None


class GoodsBackIn(Body):
    """The goods of a return are back: in which zone."""

    area: Code
    at: Instant | None = None


class PeopleIn(Body):
    """Exact values; sent in the body, so that no log of addresses holds them."""

    id_number: Text = ""
    phone: Text = ""
    name: Text = ""


class OrdersQuery(Page):
    """Which orders."""

    match: Literal[MATCHES] | None = None  # type: ignore[valid-type]
    order_no: str | None = None


class DeclarationsQuery(Page):
    """Which declarations."""

    state: Literal[DECLARATION_STATES] | None = None  # type: ignore[valid-type]
    order_no: str | None = None
