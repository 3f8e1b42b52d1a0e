"""Reports of gates as the station filed them: found, waited for, and put into words for people.

Here: incident timelines, drills, months. Not here: receiving them (``station.receive``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agent.core.errors import CheckFailedError
from contract.words import Status
from station import documents, keys
from station.lang import Lang
from station.tables import reading
from station.waiting import awaited

Report = dict[str, Any]
_LABELS = {
    "from": ("from", "起"),
    "to": ("to", "止"),
    "met_s": ("there after, s", "到场用时（秒）"),
    "broken": ("limits broken, min", "超时（分钟档）"),
    "limits_s": ("limits, s", "时限（秒）"),
    "acked_s": ("acked after, s", "回执用时（秒）"),
    "why": ("ended because", "结束原因"),
    "lasted_s": ("lasted, s", "持续（秒）"),
    "scenario": ("scenario", "科目"),
    "device": ("device", "设备"),
    "kind": ("kind", "类型"),
    "calls": ("called areas", "呼叫片区"),
    "real_incidents": ("real meanwhile", "期间真实警情"),
    "availability_agent": ("agent up, share", "主机在线率"),
    "availability_link": ("link up, share", "链路在线率"),
    "alerts": ("alarms", "报警"),
    "alerts_by_kind": ("by kind", "按类型"),
    "ack_p50_s": ("acked by a person after, median s", "人工回执中位数（秒）"),
    "ack_p95_s": ("acked by a person after, p95 s", "人工回执 95 分位（秒）"),
    "received_p50_s": ("received after, median s", "接收中位数（秒）"),
    "received_p95_s": ("received after, p95 s", "接收 95 分位（秒）"),
    "drills": ("drills", "演练"),
    "leads_confirmed": ("leads confirmed", "线索属实"),
    "leads_rejected": ("leads rejected", "线索不符"),
    "reviews_confirmed": ("likenesses confirmed at the gate", "现场确认相似"),
    "reviews_rejected": ("likenesses rejected at the gate", "现场否定相似"),
    "absences": ("absences", "脱岗次数"),
    "absent_s": ("absent, s", "脱岗时长（秒）"),
    "false_alarms": ("false alarms", "误报"),
    "complete": ("whole month", "整月数据"),
}
_INTACT = {
    True: ("no line below was altered (chain of hashes)", "以下时间线未被改动（哈希链校验通过）"),
    False: (
        "THE TIMELINE WAS ALTERED: its chain of hashes is broken",
        "时间线已被改动：哈希链校验不通过",
    ),
}
_KINDS = {
    "incident": ("Incident", "处置报告"),
    "drill": ("Drill", "演练报告"),
    "month": ("Month", "月报"),
}
_EXERCISE = "[EXERCISE 演练] "
_SAID = {
    "seen": ("seen", "已看到"),
    "coming": ("coming", "正在赶来"),
    "arrived": ("arrived", "已到场"),
    "cannot": ("cannot come", "无法前往"),
}


def filed(folder: Path, gate: str, name: str = "") -> list[Report]:
    """The reports of a gate, oldest first; *name*: of that kind, or whose id starts so."""
    made = keys.open_station(folder)
    address = documents.address_of(gate, made.id)
    heads = (address.topic("report", ""), address.topic("report", "", drill=True))
    found = []
    with reading(made.database) as db:
        for head in heads:
            query = "SELECT body FROM papers WHERE substr(topic,1,?)=? ORDER BY received_ns"
            found += [json.loads(row[0]) for row in db.execute(query, (len(head), head))]
    wanted = [r for r in found if name in ("", r["kind"]) or str(r["report_id"]).startswith(name)]
    return sorted(wanted, key=lambda report: str(report["at"]))


def wait_for(folder: Path, topic: str, timeout_s: float) -> Report | None:
    """The report on *topic*, once it is filed; None when it is not in time."""
    with reading(keys.open_station(folder).database) as db:

        def look() -> Report | None:
            rows = db.execute("SELECT body FROM papers WHERE topic=?", (topic,)).fetchall()
            return json.loads(rows[-1][0]) if rows else None

        return awaited(look, timeout_s)


def newest(folder: Path, gate: str, name: str) -> list[Report]:
    """As :func:`filed`; CheckFailedError when there is none."""
    found = filed(folder, gate, name)
    if not found:
        about = f" '{name}'" if name else ""
        raise CheckFailedError(f"no report{about} of {gate} was filed yet")
    return found


def intact(report: Report) -> bool | None:
    """Whether no line of its timeline was changed, taken out or put in; None: it has no chain."""
    figures = report.get("figures", {})
    if "chain" not in figures:
        return None
    last = ""
    for line in report.get("timeline", ()):
        details = dict(line.get("details", {}))
        told = details.pop("chain", None)
        whole = json.dumps(
            [last, line["at"], line["what"], line.get("by", ""), details], sort_keys=True
        )
        last = hashlib.sha256(whole.encode()).hexdigest()
        if told != last:
            return False
    return bool(last == figures["chain"])


def heading(report: Report, lang: Lang) -> str:
    """One line that says which report it is."""
    side = _side(lang)
    drill = _EXERCISE if report["status"] == Status.EXERCISE else ""
    return f"{drill}{_KINDS[report['kind']][side]} {report['report_id']}  {report['at']}"


def text_of(report: Report, lang: Lang) -> str:
    """A whole report for people."""
    side = _side(lang)
    lines = [heading(report, lang)]
    figures = report.get("figures", {})
    shown = {key: report[key] for key in ("from", "to") if key in report} | figures
    lines += [
        f"  {pair[side]}: {_value(shown[k], side)}" for k, pair in _LABELS.items() if k in shown
    ]
    lines += _answers(figures.get("answered", ()), side)
    whole = intact(report)
    if whole is not None:
        lines.append("  " + _INTACT[whole][side])
    lines += [
        f"  {line['at']}  {line['what']}  {line.get('by', '')}"
        for line in report.get("timeline", ())
    ]
    return "\n".join(lines)


def _side(lang: Lang) -> int:
    """Where the text of a language stands in a pair."""
    return 0 if lang is Lang.EN else 1


def _answers(answered: Any, side: int) -> Iterator[str]:
    for answer in answered:
        said = _SAID.get(answer["answer"], (answer["answer"],) * 2)[side]
        yield f"  {answer['who']}: {said}, {answer['after_s']} s"


def _value(value: object, side: int) -> str:
    if isinstance(value, bool):
        return (("no", "否"), ("yes", "是"))[value][side]
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(part, side)}" for name, part in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
