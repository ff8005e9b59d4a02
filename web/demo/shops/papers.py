"""Documents as CEB messages in the folders of the exchange, whole or not at all."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4
from xml.sax.saxutils import escape

from web.demo.shops.config import Firm

NAMESPACE = "http://www.chinaport.gov.cn/ceb"
COMMENT = "<!-- SIMULATED shop 模拟商户 -->"
NODES = {
    "CEB311": ("Order", "OrderHead", "OrderList"), "CEB411": ("Payment", "PaymentHead", ""),
    "CEB511": ("Logistics", "LogisticsHead", ""),
}  # fmt: skip
Fields = Mapping[str, str]


def message(kind: str, sender: Firm, head: Fields, lines: Sequence[Fields] = ()) -> bytes:
    """A message of one document; the fields stand in the order given."""
    node, of_head, of_line = NODES[kind]
    inner = _node(of_head, head) + "".join(_node(of_line, line) for line in lines)
    base = _node(
        "BaseTransfer", {"copCode": sender.code, "copName": sender.name, "dxpMode": "DXP", "dxpId": "DXPSIMULATED0001"}
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{COMMENT}\n'
        f'<ceb:{kind}Message guid="{str(uuid4()).upper()}" version="1.0" xmlns:ceb="{NAMESPACE}">'
        f"<ceb:{node}>{inner}</ceb:{node}>{base}</ceb:{kind}Message>\n"
    ).encode()


def _node(name: str, fields: Fields) -> str:
    inner = "".join(f"<ceb:{one}>{escape(value)}</ceb:{one}>" for one, value in fields.items() if value)
    return f"<ceb:{name}>{inner}</ceb:{name}>"


def post(exchange: Path, name: str, raw: bytes) -> None:
    """Send a message to customs and a copy of it to the warehouse. Raises OSError."""
    for folder in (exchange / "out", exchange / "in"):
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".part-{name}"
        with draft.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / name)
