"""Why a vehicle is held: one code for each reason, with words for the LED board, the driver and the officer.

The board and the loudspeaker speak both languages whatever the officer has chosen, so both stand here; the page shows
one of them. Hints in customs' own words (未关联单据, 重量异常不抬杆, 请到查验区) are those of the gate result message
(customs reference, 5.1). Codes are stable: scripts and statistics count them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One sentence in Chinese and in English."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        """Return the Chinese text for ``zh…``, the English one for anything else."""
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True)
class Hold:
    """A reason to keep the barrier down. ``needs_second``: an officer's release needs a second person."""

    code: str
    led: Words
    driver: Words
    officer: Words
    needs_second: bool = False


def _words(pair: str) -> Words:
    zh, en = pair.split("|")
    return Words(zh.strip(), en.strip())


def _hold(code: str, led: str, driver: str, officer: str, *, needs_second: bool = False) -> tuple[str, Hold]:
    return code, Hold(code, _words(led), _words(driver), _words(officer), needs_second)


TO_OFFICER = "请等候关员处理 | Please wait for the officer"

HOLDS: dict[str, Hold] = dict(
    (
        _hold(
            "readings_stale",
            "请等候 | PLEASE WAIT",
            TO_OFFICER,
            "读数为补传、保留或时钟偏差消息，不得用于抬杆 | Readings were replayed, retained or badly timed;"
            " they never lift a barrier",
        ),
        _hold(
            "lane_closed",
            "通道关闭 | LANE CLOSED",
            "本通道已关闭，请走其他通道 | This lane is closed, please use another one",
            "通道已停用 | The lane is out of use",
        ),
        _hold(
            "plate_unread",
            "车牌未识别 | PLATE NOT READ",
            TO_OFFICER,
            "在时限内没有可信的车牌 | No plate was read with confidence in time",
        ),
        _hold(
            "vehicle_unknown",
            "车辆未备案 | NOT REGISTERED",
            "车辆未备案，请联系关员 | This vehicle is not registered, please see the officer",
            "车辆未在海关备案 | The vehicle is not in the register",
        ),
        _hold(
            "vehicle_lapsed",
            "备案已过期 | REGISTRATION EXPIRED",
            "车辆备案已过期，请联系关员 | The registration has expired, please see the officer",
            "车辆备案已过期 | The vehicle's registration has expired",
        ),
        _hold(
            "wrong_way",
            "方向错误 | WRONG WAY",
            "行驶方向错误，请等候关员 | You came the wrong way, please wait for the officer",
            "车辆从出口端驶入通道 | The vehicle came into the lane from its exit",
        ),
        _hold(
            "wrong_lane",
            "请走货运通道 | USE THE GOODS LANE",
            "货运车辆只能走货运通道 | Goods vehicles use goods lanes only",
            "货运车辆不得走此类通道（2025年第19号公告）| Goods vehicles may not use this lane (GAC notice 2025-19)",
        ),
        _hold(
            "blacklisted",
            "请等候关员 | WAIT FOR OFFICER",
            TO_OFFICER,
            "车辆在黑名单上 | The vehicle is on the blacklist",
            needs_second=True,
        ),
        _hold(
            "tag_missing",
            "电子车牌未读 | TAG NOT READ",
            TO_OFFICER,
            "本通道需要电子车牌，但未读到 | This lane requires an e-plate and none was read",
        ),
        _hold(
            "tag_differs",
            "电子车牌不符 | TAG MISMATCH",
            TO_OFFICER,
            "电子车牌属于另一车牌 | The e-plate belongs to another number plate",
        ),
        _hold(
            "plate_differs",
            "车牌与核放单不符 | PLATE MISMATCH",
            "车牌与核放单不一致，请等候关员 | Your plate is not the one on the gate pass, please wait",
            "集装箱或电子车牌对应的核放单是另一车牌 | The container or e-plate belongs to a pass for another plate",
        ),
        _hold(
            "no_pass",
            "未关联单据 | NO GATE PASS",
            "没有有效的核放单，请联系货主 | There is no open gate pass, please call the owner of the goods",
            "未关联单据：没有此车此方向的有效核放单 | No open approved gate pass for this vehicle and direction",
        ),
        _hold(
            "empty_needs_pass",
            "空车未申报 | EMPTY, NO PASS",
            "空车需要空车核放单 | An empty vehicle needs a gate pass of its own",
            "空车没有类型6的核放单 | The vehicle is empty and has no gate pass of type 6",
        ),
        _hold(
            "several_passes",
            "多份核放单 | SEVERAL PASSES",
            TO_OFFICER,
            "此车有多份有效核放单，无法唯一确定 | More than one open gate pass fits this vehicle",
        ),
        _hold(
            "pass_in_use",
            "核放单使用中 | PASS IN USE",
            TO_OFFICER,
            "此核放单正在另一通道放行 | Another lane is letting a vehicle out on this gate pass",
        ),
        _hold(
            "trailer_differs",
            "挂车号牌不符 | TRAILER MISMATCH",
            TO_OFFICER,
            "挂车号牌与核放单不符 | The trailer's plate is not the one on the gate pass",
        ),
        _hold(
            "container_missing",
            "箱号未识别 | CONTAINER NOT READ",
            TO_OFFICER,
            "核放单上的集装箱未被识别 | A container of the gate pass was not read",
        ),
        _hold(
            "container_invalid",
            "箱号校验错误 | CONTAINER CHECK DIGIT",
            TO_OFFICER,
            "箱号校验位错误或识别标志为0 | The container number fails its check digit or was not recognised",
        ),
        _hold(
            "container_differs",
            "箱号不符 | CONTAINER MISMATCH",
            "箱号与核放单不一致，请等候关员 | The container is not the one on the gate pass, please wait",
            "箱号与核放单不符 | A container that is not on the gate pass was read",
        ),
        _hold(
            "container_sizes",
            "箱型不符 | CONTAINER SIZES",
            TO_OFFICER,
            "两个集装箱中有一个超过20英尺，一车装不下 | Two containers were read, one longer than 20 ft:"
            " no vehicle carries both",
        ),
        _hold(
            "seal_missing",
            "封志未读 | SEAL NOT READ",
            TO_OFFICER,
            "本通道需要电子关锁，但未读到核放单上的封志 | This lane requires the electronic seal of the pass"
            " and none was read",
        ),
        _hold(
            "seal_broken",
            "请等候关员 | WAIT FOR OFFICER",
            TO_OFFICER,
            "电子关锁报告已被打开 | The electronic seal says that it was opened",
            needs_second=True,
        ),
        _hold(
            "seal_differs",
            "封志不符 | SEAL MISMATCH",
            TO_OFFICER,
            "封志号与核放单不符 | The seal is not the one on the gate pass",
        ),
        _hold(
            "control_stop",
            "禁止通行 | STOP",
            TO_OFFICER,
            "海关布控：禁止放行 | Customs control order: stop",
            needs_second=True,
        ),
        _hold(
            "control_detain",
            "请等候关员 | WAIT FOR OFFICER",
            TO_OFFICER,
            "海关布控：扣留 | Customs control order: detain",
            needs_second=True,
        ),
        _hold(
            "control_inspect",
            "请到查验区 | GO TO INSPECTION",
            "请将车辆开到查验区 | Please drive to the inspection area",
            "海关布控：查验，请到查验区 | Customs control order: inspect; direct the vehicle to the inspection area",
        ),
        _hold(
            "not_released",
            "单证未放行 | NOT RELEASED",
            "单证尚未放行 | The documents are not released yet",
            "核放单所附单证尚未放行 | A document behind the gate pass is not released",
            needs_second=True,
        ),
        _hold(
            "goods_not_declared",
            "货物未备妥 | GOODS NOT READY",
            TO_OFFICER,
            "账上没有足够的已申报待离区货物 | The ledger does not hold the pass's goods declared and waiting",
            needs_second=True,
        ),
        _hold(
            "not_weighed",
            "未称重 | NOT WEIGHED",
            "请重新上磅或等候关员 | Please drive onto the scale again or wait for the officer",
            "没有稳定的磅重，按人工规则处理 | There is no stable weight; the manual rule applies",
        ),
        _hold(
            "weight_high",
            "重量异常不抬杆 | TOO HEAVY",
            "重量超出核放单，请等候关员 | You are heavier than the gate pass says, please wait",
            "实际重量高于核放单允许范围 | The vehicle is heavier than the gate pass allows",
        ),
        _hold(
            "weight_low",
            "重量异常不抬杆 | TOO LIGHT",
            "重量低于核放单，请等候关员 | You are lighter than the gate pass says, please wait",
            "实际重量低于核放单允许范围 | The vehicle is lighter than the gate pass allows",
        ),
        _hold(
            "too_early",
            "未到有效期 | TOO EARLY",
            "核放单尚未生效 | The gate pass is not valid yet",
            "核放单尚未生效 | The gate pass is not valid yet",
        ),
        _hold(
            "too_late",
            "核放单已过期 | PASS EXPIRED",
            "核放单已过期，请联系货主 | The gate pass has expired, please call the owner of the goods",
            "核放单已过有效期 | The gate pass has expired",
        ),
        _hold(
            "customs_says_hold",
            "请等候关员 | WAIT FOR OFFICER",
            TO_OFFICER,
            "海关平台未同意放行 | The customs platform did not agree, or gave no answer",
            needs_second=True,
        ),
    )
)

# Reasons that are no check's: the way was free, but the barrier did not do its part, or the vehicle did not wait.
LAPSES: dict[str, Hold] = dict(
    (
        _hold(
            "command_expired",
            "请等候 | PLEASE WAIT",
            TO_OFFICER,
            "抬杆指令在5秒内未能发出，未重发 | The command could not be sent within 5 s; it was not repeated",
        ),
        _hold(
            "barrier_fault",
            "道闸故障 | BARRIER FAULT",
            TO_OFFICER,
            "道闸3秒内无回应，未重发 | The barrier did not answer within 3 s; the command was not repeated",
        ),
        _hold(
            "barrier_refused",
            "请等候 | PLEASE WAIT",
            TO_OFFICER,
            "道闸控制器拒绝了指令 | The barrier's controller refused the command",
        ),
        _hold(
            "not_passed",
            "请等候 | PLEASE WAIT",
            TO_OFFICER,
            "道闸已抬起又落下，车辆未通过 | The barrier opened and closed and the vehicle did not pass",
        ),
        _hold(
            "tailgated",
            "停车 | STOP",
            TO_OFFICER,
            "跟随前车闯出，未经放行 | The vehicle followed another one through the same opening, without a release",
            needs_second=True,
        ),
        _hold(
            "ran_through",
            "停车 | STOP",
            TO_OFFICER,
            "未等判定即闯出 | The vehicle drove through before it was decided",
            needs_second=True,
        ),
        _hold(
            "order_withdrawn",
            "请等候 | PLEASE WAIT",
            TO_OFFICER,
            "海关已撤销布控，由关员决定放行 | Customs withdrew its control order; the officer lets the vehicle go",
        ),
    )
)

LIFT_LED = Words("放行抬杆", "GO")
LIFT_EMPTY_LED = Words("空车放行", "GO, EMPTY")


def hold_of(code: str) -> Hold:
    """Return the hold or lapse with this code; ``KeyError`` when the code was never defined."""
    return HOLDS[code] if code in HOLDS else LAPSES[code]
