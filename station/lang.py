"""The words that station staff read, in English and 简体中文.

Here: names of every closed vocabulary and of the screen's own parts. Not here: texts that gates
send; those come in both languages already.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum

from contract.words import Kind, MsgType, Severity, Stage, Status
from station.gates import Life


class Lang(StrEnum):
    """A language of the station's screen."""

    EN = "en"
    ZH = "zh"


Pair = tuple[str, str]

KINDS: Mapping[str, Pair] = {
    Kind.PANIC: ("Panic button", "紧急按钮"),
    Kind.DURESS: ("Duress", "胁迫报警"),
    Kind.MEDICAL: ("Medical help", "医疗求助"),
    Kind.ASSIST: ("Assistance", "现场求助"),
    Kind.TAMPER: ("Tamper", "防拆报警"),
    Kind.DOOR_FORCED: ("Door forced", "门被强开"),
    Kind.DOOR_HELD: ("Door held open", "门超时未关"),
    Kind.WATCHLIST_FACE: ("Watchlist lead", "布控线索"),
    Kind.MISSING_SIGHTING: ("Missing person lead", "走失人员线索"),
    Kind.TRACK_SIGHTING: ("Tracking lead", "跟踪线索"),
    Kind.WATCHLIST_PLATE: ("Watchlist plate", "布控车牌"),
    Kind.VEHICLE_LOCKED_EXIT: ("Locked vehicle", "锁定车辆驶离"),
    Kind.INTRUSION: ("Intrusion", "入侵"),
    Kind.LOITER: ("Loitering", "徘徊"),
    Kind.CROWD: ("Crowd", "人员聚集"),
    Kind.TAILGATE: ("Tailgating", "尾随进入"),
    Kind.GUARD_ABSENT: ("Guard absent", "门卫脱岗"),
    Kind.PATROL_MISSED: ("Patrol missed", "巡查漏点"),
    Kind.CAMERA_LOST: ("Camera lost", "摄像机失联"),
    Kind.CAMERA_BLIND: ("Camera blind", "摄像机被遮"),
    Kind.STORAGE_DEGRADED: ("Storage degraded", "存储异常"),
    Kind.CLOCK_UNSYNCED: ("Clock unsynced", "时钟未同步"),
    Kind.LINK_DEGRADED: ("Link degraded", "链路异常"),
    Kind.RETENTION_SHORT: ("Recording short", "录像留存不足"),
    Kind.SLA_BREACH: ("Response late", "处置超时"),
}

WORDS: Mapping[str, Pair] = {
    Severity.CRITICAL: ("critical", "危急"),
    Severity.MAJOR: ("major", "严重"),
    Severity.MINOR: ("minor", "一般"),
    Severity.WARNING: ("warning", "提示"),
    Stage.RECEIVED: ("received", "已接收"),
    Stage.SEEN: ("seen", "已看到"),
    Stage.HANDLING: ("handling", "处置中"),
    Stage.CLOSED: ("closed", "已办结"),
    Status.EXERCISE: ("DRILL 演练", "演练 DRILL"),
    Status.TEST: ("TEST 测试", "测试 TEST"),
    MsgType.UPDATE: ("update", "续报"),
    MsgType.CANCEL: ("over", "解除"),
    Life.ONLINE: ("online", "在线"),
    Life.SILENT: ("silent", "无心跳"),
    Life.OFFLINE: ("offline", "离线"),
    Life.UNKNOWN: ("unknown", "未知"),
    "station": ("Station", "派出所"),
    "listening": ("listening", "正在接收"),
    "not-listening": ("NOT LISTENING", "未在接收"),
    "alerts": ("Alerts", "警情"),
    "gates": ("Gates", "门岗"),
    "no-alerts": ("no alerts yet", "暂无警情"),
    "no-gates": ("no gate was heard yet", "尚无门岗上线"),
    "unseen": ("not seen", "未看到"),
    "time": ("Time", "时间"),
    "alarm": ("Alarm", "警情"),
    "what": ("What", "内容"),
    "place": ("Place", "地点"),
    "delay": ("Delay", "时延"),
    "stage": ("Stage", "处置"),
    "gate": ("Gate", "门岗"),
    "life": ("State", "状态"),
    "beat": ("Heard", "最近消息"),
    "outbox": ("Waiting", "待发"),
    "missing": ("Missing", "缺号"),
    "notes": ("Notes", "备注"),
    "replayed": ("late", "补发"),
    "malformed": ("malformed", "无效消息"),
    "queued": ("to send", "待下发"),
    "events": ("events", "事件"),
    "doubled": ("TWO AGENTS under this identity", "同一身份出现两个设备"),
    "reused": ("numbers used twice", "序号重复"),
    "stale": ("old states ignored", "忽略过期状态"),
    "unsynced": ("clock unsynced", "时钟未同步"),
    "missing-events": ("events missing", "事件缺号"),
    "task": ("Task", "任务"),
    "post": ("Post", "岗位"),
    "accepted": ("accepted", "已接受"),
    "arrived": ("arrived", "已到场"),
    "done": ("done", "已完成"),
    "declined": ("declined", "已拒绝"),
    "occupied": ("occupied", "在岗"),
    "empty": ("EMPTY", "脱岗"),
    "never": ("never", "从未"),
    "audit-fault": ("AUDIT LOG ALTERED", "审计日志被改动"),
    "call": ("CALL", "呼叫"),
    "answer": ("answer", "应答"),
    "calls": ("Calls", "片区呼叫"),
    "call-open": ("open", "进行中"),
    "call-over": ("over", "已结束"),
    "called-by": ("called by", "呼叫方"),
    "no-answer": ("no answer yet", "未应答"),
    "no-calls": ("no call yet", "暂无呼叫"),
    "unknown-call": ("UNKNOWN CALL", "未知呼叫"),
    "eta": ("in", "预计"),
    "too-late": ("LATE", "迟到应答"),
    "coming": ("coming", "正在赶来"),
    "cannot": ("cannot come", "无法前往"),
    "answered": ("answered", "已应答"),
    "minutes": ("min", "分钟"),
    "waiting": ("waiting", "等待中"),
    "met": ("there after", "到场用时"),
    "broken": ("LATE", "超时未到"),
    "late": ("late, there after", "超时到场用时"),
    "left": ("left", "剩余"),
    "overdue": ("over by", "已超"),
    "level": ("Level", "当前层级"),
    "next-level": ("next", "下一级"),
    "taken-up": ("taken up by", "已由以下人员接手"),
    "lead-pending": ("waits for the first person", "待第一人核实"),
    "lead-first": ("waits for the second person", "待第二人核实"),
    "lead-confirmed": ("confirmed", "已核实"),
    "lead-rejected": ("rejected", "已否定"),
    "lead-expired": ("expired", "已过期"),
    "lead-closed": ("closed", "已办结"),
    "picture": ("picture", "有图片"),
}


def word(name: str, lang: Lang) -> str:
    """The word for *name*; *name* itself when this program does not know it."""
    pair = WORDS.get(name)
    return name if pair is None else pair[0 if lang is Lang.EN else 1]


def kind_name(kind: str, lang: Lang) -> str:
    """A kind in both languages, the reader's own first."""
    english, chinese = KINDS.get(kind, (kind, kind))
    if english == chinese:
        return english
    return f"{english} {chinese}" if lang is Lang.EN else f"{chinese} {english}"


def lang_of(environment: Mapping[str, str] | None = None) -> Lang:
    """The language of the terminal: LC_ALL, LC_MESSAGES, then LANG, as POSIX orders them."""
    found = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if found.get(name):
            return Lang.ZH if found[name].lower().startswith("zh") else Lang.EN
    return Lang.EN
