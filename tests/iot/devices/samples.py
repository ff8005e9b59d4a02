"""Synthetic payloads of every format: the shape of the real ones, with names, plates and keys of our own.

Each sample stands beside the reading it must give. ``None`` as topic is an HTTP push.
"""

import base64
import json
from typing import Any

from iot import gather
from tests.iot.devices.more_samples import MORE
from tests.iot.devices.shape import Sample, dumped

EVENT = "wms/v1/CLJ/{family}/{device}/event"


def own(family: str, type_: str, data: dict[str, Any], **over: Any) -> bytes:
    body = {"v": 1, "id": "01J0000000000000000000TEST", "device": "d1", "kind": family, "type": type_, "seq": 7}
    body |= {"boot": "b3", "ts": "2026-03-05T08:00:00.250+08:00", "ts_q": "ntp", "data": data}
    return dumped(body | over)


AT = "2026-03-05T00:00:00.25Z"
GATE, SCALE, RFID = (EVENT.format(family=family, device="d1") for family in ("gate", "scale", "rfid"))
FENCE, VIDEO, TEMP = (EVENT.format(family=family, device="d1") for family in ("fence", "video", "temp"))
PLATE64 = base64.b64encode("湘F·T8631".encode()).decode()


def zhenshi(name: str, body: Any, **over: Any) -> bytes:
    wrapped = {"id": "0f1e2d3c-4b5a", "sn": "aa11bb22-cc33dd44", "name": name, "version": "1.0"}
    return dumped(wrapped | {"timestamp": 1772668800, "payload": {"type": name, "body": body}} | over)


def zhenshi_plate(license_: str, **over: Any) -> bytes:
    result = {"license": license_, "confidence": 93, "direction": 4, "colorType": 5, "triggerType": 8}
    result |= {"timeStamp": {"Timeval": {"sec": 1772668801, "usec": 500}}, **over}
    return zhenshi("ivs_result", {"AlarmInfoPlate": {"channel": 1, "result": {"PlateResult": result}}})


UP = "device/aa11bb22-cc33dd44/message/up/"
HIK = """<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<ipAddress>10.1.2.3</ipAddress><channelID>2</channelID><dateTime>2026-03-05T08:00:00+08:00</dateTime>
<eventType>ANPR</eventType>{more}<UUID>{uuid}</UUID>
<ANPR><licensePlate>{plate}</licensePlate><line>3</line><direction>forward</direction>
<confidenceLevel>88.5</confidenceLevel><vehileModel>12</vehileModel></ANPR></EventNotificationAlert>"""


def hik(plate: str = "湘F12345", uuid: str = "11112222-3333", more: str = "") -> bytes:
    return HIK.format(plate=plate, uuid=uuid, more=more).encode()


MULTIPART = (
    b"--boundary\r\nContent-Type: application/xml\r\n\r\n" + hik() + b"\r\n--boundary\r\n"
    b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0 not a picture\r\n--boundary--\r\n"
)
JUNCTION = {
    "EventSeq": 9,
    "GroupID": 70,
    "IndexInGroup": 1,
    "Lane": 1,
    "UTC": 1772697600,
    "RealUTC": 1772668800,
    "UTCMS": 40,
    "LocaleTime": "2026-03-05 08:00:00",
    "JunctionDirection": "Reverse",
    "Object": {"Text": "湘F54321", "Confidence": 255},
    "TrafficCar": {"MachineName": "CAM-9", "DrivingDirection": ["Leave", "a", "b"], "PlateColor": "Yellow"},
    "Vehicle": {"Category": "HeavyTruck"},
}
WITHOUT_REAL_UTC = {name: value for name, value in JUNCTION.items() if name != "RealUTC"}
RPC2 = {"method": "client.notifyEventStream", "params": {"eventList": [{"Code": "TrafficJunction", "Data": JUNCTION}]}}
ATTACH = (
    "--myboundary\nContent-Type: text/plain\n\nCode=Heartbeat;action=Pulse;index=0\n--myboundary\n"
    "Content-Type: text/plain\n\nCode=TrafficJunction;action=Pulse;index=0;data=" + json.dumps(JUNCTION) + "\n"
).encode()
FRIGATE = {"id": "1772668800.5-abc", "camera": "lane_1", "frame_time": 1772668800.25, "label": "truck"}
FRIGATE |= {"sub_label": "tractor", "score": 0.75, "entered_zones": ["apron"], "start_time": 1772668799.0}
FRIGATE |= {"end_time": None, "recognized_license_plate": ["湘F12345", 0.9]}
REVIEW = {"id": "r1", "camera": "fence_3", "start_time": 1772668800.0, "end_time": None, "severity": "alert"}
REVIEW |= {"data": {"objects": ["person"], "zones": ["south"], "detections": [], "sub_labels": []}}
AXIS = {"topic": "onvif:RuleEngine/FenceGuard/Profile2", "timestamp": 1772668800250, "serial": "ACCC8E000001"}
DEVINFO = {"deviceInfo": {"devEui": "00AA00AA00AA00AA"}, "time": "2026-03-05T00:00:00.250000001+00:00"}
LORA = "application/app/device/00aa00aa00aa00aa/event/"

GATHER_BODY = (
    "<IC><DR_IC_NO>IC77</DR_IC_NO></IC><WEIGHT><GROSS_WT>18240.5</GROSS_WT></WEIGHT>"
    "<CAR><VE_NAME>湘F12345</VE_NAME><CAR_EC_NO>e2801160</CAR_EC_NO></CAR>"
    "<CONTA><CONTA_NUM>1</CONTA_NUM><CONTA_RECO>1</CONTA_RECO><CONTA_ID_F>CSQU3054383</CONTA_ID_F></CONTA>"
)


def gathered(
    body: str = GATHER_BODY, seq_no: str = "20260305080000000001", type_: int = gather.GATHER, order: Any = "little"
) -> bytes:
    head = f'AREA_ID="4201000001" CHNL_NO="LANE000001" I_E_TYPE="E" SEQ_NO="{seq_no}"'
    document = f'<?xml version="1.0" encoding="GB2312"?><GATHER_INFO {head}>{body}</GATHER_INFO>'
    return gather.encode(
        gather.Frame(
            type=type_,
            area_id="4201000001",
            channel="LANE000001",
            direction="E",
            xml=document.encode("gb2312"),
            order=order,
        )
    )


GATHER_JSON = {"AREA_ID": "4201000001", "CHNL_NO": "LANE000001", "I_E_TYPE": "I", "SEQ_NO": "77"}
GATHER_JSON |= {"CAR": {"VE_NAME": "湘F12345"}, "WEIGHT": {"GROSS_WT": 0}}
SEEN_BY_FRONT_END = {"state": "gather", "seq_no": "20260305080000000001", "dr_ic_no": "IC77"}
SEEN_BY_FRONT_END |= {"device": "4201000001/LANE000001", "flags": ["time_unknown"], "i_e": "E"}

SAMPLES = [
    Sample("own plate", "dongting", own("gate", "plate", {"plate": "湘F·12345", "confidence_pct": 98}), GATE,
           {"kind": "PlateRead", "plate": "湘F12345", "plate_raw": "湘F·12345", "event_at": AT, "device": "d1",
            "confidence_pct": 98.0, "unread": False}),
    Sample("own unread plate", "dongting", own("gate", "plate", {"plate": ""}), GATE,
           {"kind": "PlateRead", "plate": None, "unread": True}),
    Sample("own containers", "dongting",
           own("gate", "container", {"containers": [{"number": "CSQU 305438-3", "position": "front"},
                                                    {"number": "CSQU3054384", "position": "back"}]}), GATE,
           {"kind": "ContainerRead", "number": "CSQU3054383", "check_digit_ok": True, "position": "front"}, results=2),
    Sample("own weight", "dongting", own("scale", "weight", {"weight_g": 18240000, "stable": True, "gross": True}),
           SCALE, {"kind": "WeightRead", "weight_g": 18240000, "is_stable": True, "is_gross": True}),
    Sample("own overload", "dongting", own("scale", "weight", {"state": "overload"}), SCALE,
           {"kind": "WeightRead", "weight_g": None, "state": "overload", "is_stable": False}),
    Sample("own loop", "dongting", own("gate", "loop", {"loop": "exit", "occupied": False}), GATE,
           {"kind": "LoopRead", "loop": "exit", "is_occupied": False}),
    Sample("own barrier", "dongting", own("gate", "barrier", {"state": "open", "cmd_id": "c1"}), GATE,
           {"kind": "BarrierRead", "state": "OPEN", "cmd_id": "c1"}),
    Sample("own tag", "dongting", own("rfid", "tag", {"epc": "e2801160", "rssi_cdbm": -4100}), RFID,
           {"kind": "TagRead", "epc": "E2801160", "rssi_cdbm": -4100}),
    Sample("own seal", "dongting", own("gate", "seal", {"seal": "cn 0001234", "intact": True, }), GATE,
           {"kind": "SealRead", "seal": "CN0001234", "is_intact": True, }),
    Sample("own seal that was opened", "dongting", own("rfid", "seal", {"seal": "CN0001234", "intact": False}), RFID,
           {"kind": "SealRead", "seal": "CN0001234", "is_intact": False}),
    Sample("own alarm", "dongting", own("fence", "alarm", {"rule": "climb", "active": False}), FENCE,
           {"kind": "FenceAlarm", "rule": "climb", "active": False}),
    Sample("own video", "dongting", own("video", "event", {"phase": "clip", "zones": ["z"]}), VIDEO,
           {"kind": "VideoEvent", "phase": "clip", "zones": ["z"]}),
    Sample("own temperature", "dongting", own("temp", "temperature", {"temperature_mdegc": -18250}), TEMP,
           {"kind": "TemperatureRead", "temperature_mdegc": -18250}),
    Sample("own replay", "dongting", own("gate", "loop", {"loop": "exit", "occupied": True}, replay=True), GATE,
           {"flags": ["replayed"]}),
    Sample("own status", "dongting", b'{"online": false, "boot": "b3"}', GATE.replace("event", "status"),
           {"kind": "DeviceStatus", "state": "offline", "boot": "b3", "device": "d1", "event_at": None}),
    Sample("own command result", "dongting", b'{"cmd_id": "c1", "result": "opened"}',
           GATE.replace("event", "cmd/result"), {"kind": "CommandResult", "cmd_id": "c1", "result": "opened"}),
    Sample("zhenshi plate in base64", "zhenshi", zhenshi_plate(PLATE64), UP + "ivs_result",
           {"kind": "PlateRead", "plate": "湘FT8631", "plate_raw": "湘F·T8631", "device": "aa11bb22-cc33dd44",
            "direction": "down", "colour": "green", "event_at": "2026-03-05T00:00:01.0005Z", "backfill": False}),
    Sample("zhenshi without a plate", "zhenshi", zhenshi_plate(base64.b64encode("_无_".encode()).decode()), None,
           {"kind": "PlateRead", "plate": None, "unread": True, "plate_raw": "_无_"}),
    Sample("zhenshi backfill", "zhenshi", zhenshi_plate(PLATE64, isoffline=1), UP + "ivs_result",
           {"kind": "PlateRead", "backfill": True, "flags": ["replayed"]}),
    Sample("zhenshi older topic", "zhenshi", zhenshi("keep_alive", {}, sn=None), "s1/device/message/up/keep_alive",
           {"kind": "DeviceStatus", "state": "alive", "device": "s1"}),
    Sample("zhenshi keep_alive after a NUL", "zhenshi", b"\0" + zhenshi("keep_alive", {}), UP + "keep_alive",
           {"kind": "DeviceStatus", "state": "alive"}),
    Sample("zhenshi loop input", "zhenshi",
           zhenshi("gpio_in", {"AlarmGioIn": {"result": {"TriggerResult": {"source": 0, "value": 1}}}}),
           UP + "gpio_in", {"kind": "LoopRead", "loop": "arrive", "is_occupied": True},
           profile={"inputs": {"0": "arrive"}}),
    Sample("zhenshi barrier", "zhenshi", zhenshi("barr_gate_status", {"gate_status": 2}), UP + "barr_gate_status",
           {"kind": "BarrierRead", "state": "OPEN"}, profile={"gate_status": {"2": "OPEN"}}),
    Sample("hikvision plate", "hikvision", hik(), None,
           {"kind": "PlateRead", "plate": "湘F12345", "confidence_pct": 88.5, "direction": "toward", "lane": "3",
            "device": "10.1.2.3/2", "event_at": "2026-03-05T00:00:00Z", "dedup_key": "11112222-3333|2",
            "vehicle_model": "12"}),
    Sample("hikvision unread", "hikvision", hik("unknown"), None, {"plate": None, "unread": True}),
    Sample("hikvision retransmission", "hikvision", hik(more="<isDataRetransmission>true</isDataRetransmission>"),
           None, {"backfill": True, "flags": ["replayed"]}),
    Sample("hikvision old namespace and prefix", "hikvision",
           hik().replace(b"www.hikvision.com/ver20", b"www.std-cgi.com/ver10"), None, {"plate": "湘F12345"}),
    Sample("hikvision multipart", "hikvision", MULTIPART, None, {"kind": "PlateRead", "plate": "湘F12345"}),
    Sample("dahua RPC2", "dahua", dumped(RPC2), None,
           {"kind": "PlateRead", "plate": "湘F54321", "event_at": "2026-03-05T00:00:00.04Z", "direction": "away",
            "direction_conflict": False, "device": "CAM-9", "confidence_pct": 100.0, "vehicle_class": "HeavyTruck"}),
    Sample("dahua attach stream with bare LF", "dahua", ATTACH, None,
           {"kind": "DeviceStatus", "state": "Heartbeat"}, results=2),
    Sample("dahua without RealUTC", "dahua", dumped({"Code": "TrafficJunction", "Data": WITHOUT_REAL_UTC}), None,
           {"event_at": "2026-03-05T00:00:00.04Z"}, profile={"time_zone": "Asia/Shanghai"}),
    Sample("dahua without RealUTC and zone", "dahua", dumped({"Code": "TrafficJunction", "Data": WITHOUT_REAL_UTC}),
           None, {"event_at": None, "flags": ["time_unknown"]}),
    Sample("frigate truck with a plate", "frigate", dumped({"type": "new", "before": FRIGATE, "after": FRIGATE}),
           "frigate/events",
           {"kind": "VideoEvent", "object_class": "truck", "sub_label": "tractor", "device": "lane_1"},
           results=2),
    Sample("frigate review", "frigate", dumped({"type": "new", "before": REVIEW, "after": REVIEW}), "frigate/reviews",
           {"kind": "VideoEvent", "phase": "review_new", "device": "fence_3", "severity": "alert"}),
    Sample("frigate available", "frigate", b"stopped", "frigate/available",
           {"kind": "DeviceStatus", "state": "stopped"}),
    Sample("axis fence, clearing edge", "axis",
           dumped(AXIS | {"message": {"source": {"section": "S3"}, "key": {}, "data": {"active": "0"}}}),
           "axis/ACCC8E000001/event/x", {"kind": "FenceAlarm", "active": False, "section": "S3", "rule": "Profile2",
                                         "event_at": AT, "device": "ACCC8E000001"}),
    Sample("platerecognizer, two plates", "platerecognizer",
           dumped({"hook": {}, "data": {"camera_id": "c1", "timestamp": "2026-03-05T00:00:00.25Z", "results": [
               {"plate": "abc123", "score": 0.5}, {"plate": "def456", "score": 0.25}]}}), None,
           {"kind": "PlateRead", "plate": "ABC123", "confidence_pct": 50.0, "event_at": AT}, results=2),
    Sample("impinj, base64 EPC", "impinj",
           dumped({"eventType": "tagInventory", "timestamp": "2026-03-05T00:00:00.250Z", "hostname": "r700-1",
                   "tagInventoryEvent": {"epc": "4oARYA==", "antennaPort": 2, "peakRssiCdbm": -5050}}), None,
           {"kind": "TagRead", "epc": "E2801160", "antenna": 2, "rssi_cdbm": -5050, "device": "r700-1",
            "event_at": AT}),
    Sample("chirpstack, decoded", "chirpstack",
           dumped(DEVINFO | {"deduplicationId": "k1", "fPort": 2, "data": "AAA=", "object": {"temperature": -18.25}}),
           LORA + "up", {"kind": "TemperatureRead", "temperature_mdegc": -18250, "device": "00aa00aa00aa00aa",
                         "event_at": "2026-03-05T00:00:00.250000001Z", "f_cnt": None}),
    Sample("chirpstack, decoder of the profile", "chirpstack",
           dumped(DEVINFO | {"deduplicationId": "k1", "fPort": 2, "fCnt": 0, "data": "+Nw="}), LORA + "up",
           {"kind": "TemperatureRead", "temperature_mdegc": -18280, "f_cnt": 0},
           profile={"decoder": "int16_centidegrees"}),
    Sample("chirpstack, battery", "chirpstack", dumped(DEVINFO | {"batteryLevel": 87.4, "margin": 9}), LORA + "status",
           {"kind": "DeviceStatus", "state": "status", "battery_pct": 87, "margin_db": 9}),
    Sample("scale, stable and gross", "scale", b"ST,GS,+ 18240kg\r\n", SCALE,
           {"kind": "WeightRead", "weight_g": 18_240_000, "is_stable": True, "is_gross": True, "state": "weight"}),
    Sample("scale, unstable and gross", "scale", b"US,GS,+  1.240kg\r\n", SCALE,
           {"weight_g": 1240, "is_stable": False, "is_gross": True}),
    Sample("scale, net in tonnes", "scale", b"ST,NT,-  0.0125t\r\n", SCALE,
           {"weight_g": -12_500, "is_gross": False, "state": "minus"}),
    Sample("scale, pounds", "scale", b"ST,GS,+  100lb\r\n", SCALE, {"weight_g": 45_359}),
    Sample("scale, zero", "scale", b"ST,GS,+      0kg\r\n", SCALE, {"weight_g": 0, "state": "zero"}),
    Sample("scale, overload", "scale", b"OL,GS,+  99999kg\r\n", SCALE, {"weight_g": None, "state": "overload"}),
    Sample("scale, frame", "scale", b"\x02+0018240A\x03", SCALE, {"weight_g": 18_240_000, "is_stable": True},
           profile={"unit": "kg", "stable_status": "A"}),
    Sample("gather frame", "gather", gathered(), None, {"kind": "DeviceStatus", **SEEN_BY_FRONT_END}, results=5),
    Sample("gather frame, lengths in network order", "gather", gathered(order="big"), None,
           {"kind": "DeviceStatus", **SEEN_BY_FRONT_END}, results=5),
    Sample("gather frame, plate not read", "gather", gathered("<CAR><VE_NAME>_无_</VE_NAME></CAR>"), None,
           {"kind": "DeviceStatus", "state": "gather"}, results=2),
    Sample("gather, a manual release", "gather", gathered("<MEMO>设备故障</MEMO>", type_=gather.MANUAL), None,
           {"kind": "DeviceStatus", "state": "manual_release", "memo": "设备故障"}),
    Sample("gather in JSON, not weighed", "gather", dumped({"Cmd": 33, "Data": GATHER_JSON}), None,
           {"kind": "DeviceStatus", "state": "gather", "i_e": "I"}, results=3),
    Sample("zhenshi HTTP loop input", "zhenshi",
           dumped({"AlarmGioIn": {"serialno": "aa11", "result": {"TriggerResult": {"source": 1, "value": 0}}}}), None,
           {"kind": "LoopRead", "loop": "input_1", "is_occupied": False, "device": "aa11"}),
    Sample("zhenshi without a serial in the topic", "zhenshi", zhenshi("keep_alive", {}, sn=None),
           "/device/message/up/keep_alive", {"kind": "DeviceStatus", "state": "alive", "device": None}),
    Sample("hikvision pictures that follow", "hikvision",
           hik(more="<hasMoreData>false</hasMoreData>").replace(hik()[hik().index(b"<ANPR>"):hik().index(b"</EventN")],
               b"<pictureInfoList><pictureInfo><fileName>plate.jpg</fileName><absTime>20260305080000250</absTime>"
               b"</pictureInfo></pictureInfoList>"), None,
           {"kind": "VideoEvent", "phase": "pictures", "object_id": "11112222-3333",
            "pictures": [{"fileName": "plate.jpg", "absTime": "20260305080000250"}]}),
    Sample("hikvision without an offset", "hikvision", hik().replace(b"+08:00", b""), None,
           {"kind": "PlateRead", "event_at": None, "flags": ["time_unknown"], "local_time": "2026-03-05T08:00:00"}),
    Sample("hikvision with the profile's zone", "hikvision", hik().replace(b"+08:00", b""), None,
           {"event_at": "2026-03-05T00:00:00Z"}, profile={"time_zone": "Asia/Shanghai"}),
    Sample("hikvision in GB2312", "hikvision", hik().decode().replace("UTF-8", "GB2312").encode("gb2312"), None,
           {"kind": "PlateRead", "plate": "湘F12345"}),
    Sample("dahua lane by the site's count", "dahua", dumped(RPC2), None,
           {"lane": "L2"}, profile={"lanes": {"1": "L2"}}),
    Sample("axis wired input", "axis",
           dumped(AXIS | {"topic": "tns1:Device/tnsaxis:IO/Port",
                          "message": {"source": {"port": "2"}, "key": {}, "data": {"state": "1"}}}),
           "axis/ACCC8E000001/event/x", {"kind": "LoopRead", "loop": "exit", "is_occupied": True},
           profile={"inputs": {"2": "exit"}}),
    Sample("frigate face", "frigate",
           dumped({"type": "face", "id": "1.5-a", "name": "guard 2", "score": 0.8, "camera": "c",
                   "timestamp": 1772668800}),
           "frigate/tracked_object_update", {"kind": "VideoEvent", "phase": "face", "sub_label": "guard 2"}),
    Sample("frigate plate not read", "frigate",
           dumped({"type": "lpr", "id": "1.5-a", "plate": "", "score": 0.1, "camera": "c", "timestamp": 1772668800}),
           "frigate/tracked_object_update", {"kind": "PlateRead", "unread": True}),
    Sample("platerecognizer, plate not read", "platerecognizer",
           dumped({"hook": {}, "data": {"camera_id": "c1", "timestamp": "2026-03-05T00:00:00.25Z", "results": [
               {"plate": "", "score": 0.5}]}}), None, {"kind": "PlateRead", "unread": True}),
    Sample("dahua plate not read", "dahua",
           dumped({"Code": "TrafficJunction", "Data": JUNCTION | {"Object": {"Text": "unknown"}}}), None,
           {"kind": "PlateRead", "unread": True}),
    *MORE,
]  # fmt: skip
