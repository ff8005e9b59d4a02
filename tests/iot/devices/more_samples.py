"""Synthetic payloads of the formats of other networks: tags, plates, sensors, edge nodes, cameras of any make."""

from typing import Any

from iot.devices.sparkplug import Payload
from tests.iot.devices.shape import Sample, dumped

MS = 1772668800250  # 2026-03-05T00:00:00.25Z
AT = "2026-03-05T00:00:00.25Z"


def sparkplug(seq: int | None = 0, at: int = MS, **metrics: Any) -> bytes:
    """A payload; a metric is its value, or (alias, value), or (alias, value, whether it is historical)."""
    payload = Payload()
    payload.timestamp = at
    for name, told in metrics.items():
        metric = payload.metrics.add()
        alias, value, *past = told if isinstance(told, tuple) else (None, told)
        if past:
            metric.is_historical = past[0]
        if not name.startswith("_"):
            metric.name = name
        if alias is not None:
            metric.alias = alias
        if isinstance(value, bool):
            metric.boolean_value = value
        elif isinstance(value, int):
            metric.long_value = value
        elif isinstance(value, float):
            metric.double_value = value
        else:
            metric.string_value = value
    if seq is not None:
        payload.seq = seq
    raw: bytes = payload.SerializeToString()
    return raw


NODE = "spBv1.0/yard/{}/plc1"
WEIGHT_PROFILE = {"metrics": {"gross": {"kind": "weight", "unit": "kg", "stable": "still", "gross": True}}}
ALPR = {"data_type": "alpr_group", "epoch_start": MS, "epoch_end": MS + 900, "best_uuid": "agent-cam-1772668800"}
ALPR |= {"site_id": 7, "camera_id": 42, "company_id": 3, "best_confidence": 91.5, "uuids": ["a", "b"]}
ALPR |= {"best_plate": {"plate": "abc1234", "confidence": 91.5, "region": "cn",
                        "candidates": [{"plate": "abc1234"}, {"plate": "abc123"}]},
         "vehicle": {"color": [{"name": "white", "confidence": 80}], "body_type": [{"name": "truck"}]}}  # fmt: skip
TTN: dict[str, Any] = {"end_device_ids": {"device_id": "cold-7", "dev_eui": "70B3D50000000007"}}
TTN |= {"received_at": "2026-03-05T00:00:00.250000001Z"}
UPLINK = {"session_key_id": "AXk=", "f_port": 2, "frm_payload": "+Nw="}
ONVIF = "cam7/onvif-ej/RuleEngine/FieldDetector/ObjectsInside/&VS1/&Rule1"
ONVIF_BODY = {"UtcTime": "2026-03-05T00:00:00.250Z", "Source": {"VideoSource": "VS1", "Rule": "south fence"}}
ONVIF_BODY |= {"Data": {"IsInside": "true", "ObjectId": "15"}}
ITEMS = {"UtcTime": "2026-03-05T00:00:00.250Z",
         "Source": {"SimpleItem": [{"Name": "InputToken", "Value": "I1"}]},
         "Data": {"SimpleItem": [{"Name": "LogicalState", "Value": "active"}]}}  # fmt: skip
ZEBRA = "tenant/DATA/clients/data1event/RFD40-01"
TAGS = {"type": "INVENTORY", "timestamp": "2026-03-05T08:00:00.250+0800",
        "data": {"tagData": [{"eventNum": 5, "EPC": "e2801160", "RSSI": -41, "antenna": 1, "seenCount": 3},
                             {"eventNum": 6, "EPC": "e2801161", "TID": "e2003412"}]}}  # fmt: skip
Z2M = "zigbee2mqtt/north/door 3"


def llrp(kind: int, body: bytes) -> bytes:
    return ((1 << 10) | kind).to_bytes(2, "big") + (len(body) + 10).to_bytes(4, "big") + (9).to_bytes(4, "big") + body


def llrp_tag(epc: str = "300833b2ddd9014000000001", antenna: int = 2, micros: int = MS * 1000) -> bytes:
    inner = b"\x8d" + bytes.fromhex(epc) + b"\x81" + antenna.to_bytes(2, "big") + b"\x86" + b"\xd7"
    inner += b"\x82" + micros.to_bytes(8, "big") + b"\x88\x00\x04"
    return (240).to_bytes(2, "big") + (len(inner) + 4).to_bytes(2, "big") + inner


def xk3190(sign: str, digits: str, places: str) -> bytes:
    check = 0
    for one in sign + digits + places:
        check ^= ord(one)
    return f"\x02{sign}{digits}{places}{check:02X}\x03".encode()


def toledo(first: int, second: int, digits: str) -> bytes:
    return bytes([2, first, second, 0x20]) + digits.encode() + b"000000\r"


SCALE = "wms/v1/CLJ/scale/d1/event"
MORE = [
    Sample("openalpr group", "openalpr", dumped(ALPR), None,
           {"kind": "PlateRead", "plate": "ABC1234", "confidence_pct": 91.5, "device": "7/42", "event_at": AT,
            "colour": "white", "vehicle_class": "truck", "candidates": ["ABC1234", "ABC123"],
            "dedup_key": "agent-cam-1772668800"}),
    Sample("openalpr group without a plate", "openalpr", dumped(ALPR | {"best_plate": {}, "uuids": []}), None,
           {"kind": "PlateRead", "plate": None, "unread": True}),
    Sample("openalpr single frame", "openalpr",
           dumped({"data_type": "alpr_results", "epoch_time": MS, "uuid": "u1", "camera_id": 42,
                   "results": [{"plate": "ABC1234", "confidence": 90}]}), None,
           {"kind": "VideoEvent", "phase": "frame", "plates": ["ABC1234"], "device": "42"}),
    Sample("openalpr heartbeat", "openalpr",
           dumped({"data_type": "heartbeat", "timestamp": MS, "agent_uid": "AG1",
                   "video_streams": [{"camera_id": 42, "is_streaming": False}]}), None,
           {"kind": "DeviceStatus", "state": "alive", "device": "AG1", "silent_cameras": ["42"]}),
    Sample("ttn uplink, decoded", "ttn",
           dumped(TTN | {"uplink_message": UPLINK | {"decoded_payload": {"temperature": -18.25, "humidity": 60}}}),
           "v3/app@ten/devices/cold-7/up",
           {"kind": "TemperatureRead", "temperature_mdegc": -18250, "humidity_mpct": 60_000,
            "device": "70b3d50000000007", "f_cnt": 0, "event_at": "2026-03-05T00:00:00.250000001Z",
            "dedup_key": "70b3d50000000007|AXk=|0", "flags": ["best_effort"]}),
    Sample("ttn uplink, decoder of the profile", "ttn", dumped(TTN | {"uplink_message": UPLINK | {"f_cnt": 9}}),
           "v3/app@ten/devices/cold-7/up", {"kind": "TemperatureRead", "temperature_mdegc": -18280, "f_cnt": 9},
           profile={"decoder": "int16_centidegrees"}),
    Sample("ttn simulated uplink", "ttn",
           dumped(TTN | {"simulated": True, "uplink_message": UPLINK | {"decoded_payload": {"temperature": 1}}}),
           "v3/app@ten/devices/cold-7/up", {"flags": ["best_effort", "replayed"]}),
    Sample("ttn join", "ttn", dumped(TTN | {"join_accept": {"session_key_id": "AXk="}}),
           "v3/app@ten/devices/cold-7/join", {"kind": "DeviceStatus", "state": "joined"}),
    Sample("onvif field detector", "onvif", dumped(ONVIF_BODY), ONVIF,
           {"kind": "FenceAlarm", "rule": "south fence", "active": True, "section": "VS1", "object_id": "15",
            "device": "cam7", "event_at": AT}),
    Sample("onvif state told again on subscribe", "onvif",
           dumped(ONVIF_BODY | {"PropertyOperation": "Initialized"}), ONVIF, {"flags": ["replayed"]}),
    Sample("onvif input in SimpleItems", "onvif", dumped(ITEMS),
           "cam7/onvif-ej/Device/tns1:Trigger/tns1:DigitalInput/&I1",
           {"kind": "LoopRead", "loop": "arrive", "is_occupied": True}, profile={"inputs": {"I1": "arrive"}}),
    Sample("onvif plate", "onvif",
           dumped(ONVIF_BODY | {"Data": {"Likelihood": 0.9, "LicensePlateInfo": {"PlateNumber": "湘F12345"}}}),
           "cam7/onvif-ej/RuleEngine/Recognition/LicensePlate/&VS1",
           {"kind": "PlateRead", "plate": "湘F12345", "confidence_pct": 90.0}),
    Sample("onvif plate not read", "onvif",
           dumped(ONVIF_BODY | {"Data": {"LicensePlateInfo": {"PlateNumber": "unknown"}}}),
           "cam7/onvif-ej/RuleEngine/Recognition/LicensePlate/&VS1", {"kind": "PlateRead", "unread": True}),
    Sample("zebra, two tags", "zebra", dumped(TAGS), ZEBRA,
           {"kind": "TagRead", "epc": "E2801160", "rssi_cdbm": -4100, "antenna": 1, "count": 3, "device": "RFD40-01",
            "event_at": AT, "event_num": 5}, results=2),
    Sample("zebra FX, a list of events", "zebra",
           dumped([{"type": "SIMPLE", "timestamp": "2026-03-05T00:00:00.250Z",
                    "data": {"eventNum": 1, "format": "epc", "idHex": "e2801160", "peakRssi": -50}}]), None,
           {"kind": "TagRead", "epc": "E2801160", "rssi_cdbm": -5000, "device": None}),
    Sample("zebra heartbeat", "zebra", dumped({"heartBeatEVT": {"battery": 80}, "deviceSerialNumber": "RFD40-01"}),
           "tenant/MGMT/clients/event/RFD40-01", {"kind": "DeviceStatus", "state": "alive", "device": "RFD40-01"}),
    Sample("zigbee contact open", "zigbee2mqtt", dumped({"contact": False, "last_seen": MS, "linkquality": 99}), Z2M,
           {"kind": "FenceAlarm", "rule": "contact", "active": True, "section": "north/door 3", "event_at": AT}),
    Sample("zigbee contact closed without a time", "zigbee2mqtt", dumped({"contact": True, "battery": 55}), Z2M,
           {"kind": "FenceAlarm", "rule": "contact", "active": False, "flags": ["time_unknown"]}),
    Sample("zigbee vibration and climate", "zigbee2mqtt",
           dumped({"vibration": True, "temperature": 4.5, "last_seen": "2026-03-05T08:00:00.250+08:00"}), Z2M,
           {"kind": "FenceAlarm", "rule": "vibration", "active": True, "event_at": AT}, results=2),
    Sample("zigbee availability", "zigbee2mqtt", b'{"state":"offline"}', Z2M + "/availability",
           {"kind": "DeviceStatus", "state": "offline", "device": "north/door 3"}),
    Sample("sparkplug birth", "sparkplug", sparkplug(0, bdSeq=3, Temperature=(1, 4.5)), NODE.format("NBIRTH"),
           {"kind": "DeviceStatus", "state": "online", "device": "yard/plc1", "boot": "3", "event_at": AT}, results=2),
    Sample("sparkplug data", "sparkplug", sparkplug(1, gross=18240.5, still=True), NODE.format("NDATA"),
           {"kind": "WeightRead", "weight_g": 18_240_500, "is_stable": True, "is_gross": True, "event_at": AT},
           profile=WEIGHT_PROFILE),
    Sample("sparkplug data that nobody asked for", "sparkplug", sparkplug(2, pump="on"), NODE.format("DDATA") + "/d7",
           {"kind": "DeviceStatus", "state": "data", "metrics": {"pump": "on"}, "device": "yard/plc1/d7"}),
    Sample("sparkplug data of before", "sparkplug", sparkplug(1, gross=(None, 1.5, True)), NODE.format("NDATA"),
           {"kind": "WeightRead", "flags": ["replayed"]}, profile=WEIGHT_PROFILE),
    Sample("sparkplug death", "sparkplug", sparkplug(None, bdSeq=3), NODE.format("NDEATH"),
           {"kind": "DeviceStatus", "state": "offline", "boot": "3"}),
    Sample("llrp tag report", "llrp", llrp(61, llrp_tag() + llrp_tag(antenna=3)), None,
           {"kind": "TagRead", "epc": "300833B2DDD9014000000001", "antenna": 2, "rssi_cdbm": -4100, "count": 4,
            "event_at": AT, "device": "dock-2"}, results=2, profile={"reader": "dock-2"}),
    Sample("llrp keep-alive", "llrp", llrp(62, b""), None, {"kind": "DeviceStatus", "state": "alive"}),
    Sample("scale, XK3190 frame", "scale", xk3190("+", "018240", "0"), SCALE,
           {"weight_g": 18_240_000, "is_stable": False}, profile={"indicator": "stx6xor"}),
    Sample("scale, Toledo frame at rest", "scale", toledo(0x2A, 0x30, " 18240"), SCALE,
           {"weight_g": 18_240_000, "is_stable": True, "is_gross": True}, profile={"indicator": "toledo"}),
    Sample("scale, Toledo frame in motion, net, minus", "scale", toledo(0x2B, 0x3B, "000125"), SCALE,
           {"weight_g": -12_500, "is_stable": False, "is_gross": False, "state": "minus"},
           profile={"indicator": "toledo"}),
    Sample("scale, Toledo out of range", "scale", toledo(0x2A, 0x34, "999999"), SCALE,
           {"weight_g": None, "state": "overload"}, profile={"indicator": "toledo"}),
    Sample("scale, seven bits with parity", "scale", bytes(b | 0x80 for b in b"ST,GS,+ 18240kg"), SCALE,
           {"weight_g": 18_240_000, "is_stable": True}, profile={"parity": "7e1"}),
]  # fmt: skip
