"""Customs messages: parse and check CEB documents, beside lxml parsing alone; a folder read in flat memory."""

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from lxml import etree

from benchmarks.rows import Row, interleaved, row
from web.out.customs.lines import FolderLine
from wms.customs.messages import Message, check, write

DOCUMENTS = 100  # in one message: the most that the schema allows
MESSAGES, PAIRS = 20, 7
FOLDER_MB, FULL_FOLDER_MB = 128, 1_024
TARGET = 1_000
FLAT_MB = 64
GUID = "00000000-0000-4000-8000-{:012X}"
SIGNATURE = (
    b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'
    b'<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></ds:CanonicalizationMethod>'
    b'<ds:SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"></ds:SignatureMethod>'
    b'<ds:Reference URI=""><ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"></ds:DigestMethod>'
    b"<ds:DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    b"<ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>"
)


def run(full: bool) -> Iterator[Row]:
    """Documents a second over parcel declarations of two lines; about a minute."""
    chance = random.Random(7)
    data = [write(message(n, chance)) for n in range(MESSAGES)]
    assert not check(data[0]).findings, check(data[0]).findings[:3]
    spent = time.process_time()
    for one in data:
        check(one)
    spent = time.process_time() - spent
    ours, theirs, _ratio = interleaved(PAIRS, lambda: rate(data, check), lambda: rate(data, etree.fromstring))
    yield row(
        "ceb_parse_and_check", ours, "documents/s", target=TARGET, ratio_to="lxml parsing alone", ratio=ours / theirs,
        ok=ours >= TARGET,
    )  # fmt: skip
    yield row("ceb_parse_and_check_processor", MESSAGES * DOCUMENTS / spent, "documents a processor second")
    yield row("ceb_lxml_alone", theirs, "documents/s")
    with tempfile.TemporaryDirectory(prefix="dongting-ceb-") as folder:
        yield from folder_in_flat_memory(Path(folder), data, FULL_FOLDER_MB if full else FOLDER_MB)


def rate(data: list[bytes], act: object) -> float:
    """Documents a second of one pass over all messages."""
    started = time.perf_counter()
    for one in data:
        act(one)  # type: ignore[operator]
    return MESSAGES * DOCUMENTS / (time.perf_counter() - started)


def folder_in_flat_memory(folder: Path, data: list[bytes], megabytes: int) -> Iterator[Row]:
    """Check every file of a folder, read as the transport reads it: the most memory against that before the first."""
    count, size = 0, 0
    inbox = folder / "in"
    inbox.mkdir()
    while size < megabytes * 1_000_000:
        size += (inbox / f"{count:05}.xml").write_bytes(data[count % MESSAGES])
        count += 1
    before = peak = memory_mb()
    started, spent, curve = time.perf_counter(), time.process_time(), list[float]()
    for done, incoming in enumerate(FolderLine(folder).waiting(count), 1):
        check(incoming.raw)
        peak = max(peak, memory_mb())
        if done * 10 // count > len(curve):
            curve.append(memory_mb())
    seconds, spent = time.perf_counter() - started, time.process_time() - spent
    grown, said = peak - before, " ".join(f"{one:.0f}" for one in curve)
    yield row("ceb_folder", size / 1_000_000 / seconds, f"MB/s ({size / 1_000_000 / spent:.0f} a processor second)")
    yield row("ceb_folder_memory", peak, f"MB; {before:.0f} before, at each tenth {said}")
    yield row("ceb_folder_memory_grown", grown, f"MB over {megabytes} MB", target=FLAT_MB, ok=grown <= FLAT_MB)


def memory_mb() -> float:
    """The memory that this process holds, in MB."""
    return float(psutil.Process().memory_info().rss) / 1_000_000


def message(number: int, chance: random.Random) -> Message:
    """A parcel declaration message of as many documents as one may hold, without a finding."""
    first = number * DOCUMENTS
    documents = tuple(document(first + n, chance) for n in range(DOCUMENTS))
    transfer = {"copCode": "4306000002", "copName": "电商", "dxpMode": "DXP", "dxpId": "DXPENT0000000001"}
    return Message("CEB621", GUID.format(first), documents, transfer=transfer, signature=SIGNATURE)


def document(n: int, chance: random.Random) -> dict[str, object]:
    head = {
        "guid": GUID.format(n), "appType": "1", "appTime": "20261120080000", "appStatus": "2", "orderNo": f"DT-{n}",
        "ebpCode": "4306000001", "ebpName": "平台", "ebcCode": "4306000002", "ebcName": "电商",
        "logisticsNo": f"L-{n}", "logisticsCode": "4306000003", "logisticsName": "物流", "copNo": f"C-{n}",
        "assureCode": "4306000001", "emsNo": "T4902W000001", "ieFlag": "I", "declTime": "20261120",
        "customsCode": "4902", "portCode": "4902", "ieDate": "20261120", "buyerIdType": "1",
        "buyerIdNumber": "11010519491231002X", "buyerName": "甲", "buyerTelephone": "0730",
        "consigneeAddress": "湖南省岳阳市", "agentCode": "4306000002", "agentName": "电商", "areaCode": "4306600001",
        "areaName": "城陵矶综合保税区", "tradeMode": "1210", "trafMode": "Y", "country": "142", "freight": "0",
        "insuredFee": "0", "currency": "142", "packNo": "1", "grossWeight": "2.2", "netWeight": "2",
    }  # fmt: skip
    lines = tuple(line(place, chance) for place in (1, 2))
    return {"InventoryHead": head, "InventoryList": lines}


def line(place: int, chance: random.Random) -> dict[str, str]:
    qty, cents = chance.randrange(1, 9), chance.randrange(100, 10_000)
    total = qty * cents
    return {
        "gnum": str(place), "itemRecordNo": str(place), "gcode": "1901101090", "gname": "奶粉", "gmodel": "900克",
        "country": "609", "currency": "142", "qty": str(qty), "unit": "122", "qty1": f"{qty * 0.9:.1f}", "unit1": "035",
        "price": f"{cents // 100}.{cents % 100:02}", "totalPrice": f"{total // 100}.{total % 100:02}",
    }  # fmt: skip
