"""The record of events in words: one line an event, and why a rule did what it did. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.core.clock import NS_PER_S, format_utc
from agent.core.errors import CheckFailedError
from provisioning.replay import Difference

Entry = Mapping[str, Any]
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "start": "the program started",
        "time": "time passed",
        "rule": "rule {name}",
        "way": "answering: {name}",
        "off": "switched off: it failed three times in an hour",
        "failed": "failed: {why}",
        "window": "outside its windows: no alert",
        "happened": "its condition happened",
        "not-yet": "its condition did not happen",
        "raise": "raised {0} ({2})",
        "actuate": "output {0}: {1}",
        "note": "fact {0} about {1}",
        "resolve": "over: {0}",
        "close": "closed: {0}",
        "tell": "told the station: {0}",
        "held": "held back by the cooldown: incident {0} is open and was told lately",
        "sent": "sent {msg} {kind} {severity}, alert {alert}, incident {incident}",
        "fact": "told {kind} {device}, id {fact}",
        "nothing": "no rule had anything to do with it",
        "matches": "{text}: {held}",
        "lasts": "{text}: {held}; has to last {for_s:g} s{since}",
        "since": ", has lasted {0:g} s",
        "count": "{have} of {at_least} within {within_s:g} s",
        "all": "{have} of {at_least} parts within {within_s:g} s",
        "sequence": "step {have} of {at_least} within {within_s:g} s",
        "any": "one of:",
        "without": "nothing of the sort {before_s:g} s before and {after_s:g} s after{waiting}",
        "waiting": ", waits",
        "true": "true",
        "false": "false",
    },
    "zh": {
        "start": "程序启动",
        "time": "计时到点",
        "rule": "规则 {name}",
        "way": "响应机制：{name}",
        "off": "已停用：一小时内三次出错",
        "failed": "出错：{why}",
        "window": "不在生效时段内：未告警",
        "happened": "条件成立",
        "not-yet": "条件未成立",
        "raise": "发出告警 {0}（{2}）",
        "actuate": "输出 {0}：{1}",
        "note": "记录 {0}：{1}",
        "resolve": "已解除：{0}",
        "close": "已关闭：{0}",
        "tell": "上报指挥中心：{0}",
        "held": "冷却时间内未重复上报：事件 {0} 仍未结束，且刚刚上报过",
        "sent": "已发送 {msg} {kind} {severity}，告警 {alert}，事件 {incident}",
        "fact": "已上报 {kind} {device}，编号 {fact}",
        "nothing": "没有规则与此有关",
        "matches": "{text}：{held}",
        "lasts": "{text}：{held}；须持续 {for_s:g} 秒{since}",
        "since": "，已持续 {0:g} 秒",
        "count": "{within_s:g} 秒内 {have}/{at_least} 次",
        "all": "{within_s:g} 秒内 {have}/{at_least} 项",
        "sequence": "{within_s:g} 秒内第 {have}/{at_least} 步",
        "any": "以下任一：",
        "without": "之前 {before_s:g} 秒、之后 {after_s:g} 秒内无以下情况{waiting}",
        "waiting": "，等待中",
        "true": "成立",
        "false": "不成立",
    },
}


def find(entries: Sequence[Entry], event_id: str) -> Entry:
    """The entry that *event_id* names; CheckFailedError when none or several do."""
    wanted = event_id.removeprefix("#")
    if wanted.isdigit():
        found = [entry for entry in entries if entry["n"] == int(wanted)]
    else:
        found = [entry for entry in entries if any(i.startswith(wanted) for i in _ids(entry))]
    if not found:
        raise CheckFailedError(
            f"the record holds no event '{event_id}'; see 'gatehouse rules events'"
        )
    if len(found) > 1:
        raise CheckFailedError(f"'{event_id}' may be {len(found)} events; give more of the id")
    return found[0]


def _ids(entry: Entry) -> list[str]:
    return [row[name] for row in entry.get("sent", ()) for name in ("alert", "fact") if name in row]


def line(entry: Entry) -> str:
    """One line about one event."""
    did = [row.get("rule") or row.get("way") for row in entry.get("did", ())]
    sent = [f"{row['msg']} {row['kind']}" for row in entry.get("sent", ()) if "alert" in row]
    parts = [f"#{entry['n']}", format_utc(entry["at"][0]), _event(entry), ", ".join(did), *sent]
    return "  ".join(part for part in parts if part)


def _event(entry: Entry) -> str:
    told = entry.get("is", {})
    words = [entry["event"], *(str(value) for value in told.values() if value not in ("", False))]
    return " ".join(words)


def explained(entry: Entry, language: str) -> list[str]:
    """Which rule did what about the event of *entry*, and why."""
    words = _WORDS[language]
    event = words.get(entry["event"]) or _event(entry)
    lines = [f"#{entry['n']}  {format_utc(entry['at'][0])}  {event}"]
    for row in entry.get("did", ()):
        by = "rule" if "rule" in row else "way"
        lines.append("  " + words[by].format(name=row[by]))
        lines += [f"    {text}" for text in _did(row, words, entry)]
    if not entry.get("did"):
        lines.append("  " + words["nothing"])
    lines += [f"  {_sent(row, words)}" for row in entry.get("sent", ())]
    return lines


def _did(row: Mapping[str, Any], words: Mapping[str, str], entry: Entry) -> list[str]:
    lines = []
    if row.get("off"):
        lines.append(words["off"])
    if row.get("failed"):
        lines.append(words["failed"].format(why=row["failed"]))
    for why in row.get("why", ()):
        if why.get("window") == "closed":
            lines.append(words["window"])
        if "condition" in why:
            lines.append(words["happened" if why.get("happened") else "not-yet"])
            lines += _condition(why["condition"], words, entry["at"][1], "  ")
    for word, *what in row.get("do", ()):
        lines.append(words[word].format(*what))
    return lines


def _condition(
    stands: Mapping[str, Any], words: Mapping[str, str], at_ns: int, indent: str
) -> list[str]:
    values = dict(stands)
    values["held"] = words["true" if stands.get("held") else "false"]
    values["waiting"] = words["waiting"] if stands.get("waiting") else ""
    since = [ns for ns in (stands.get("since_ns") or {}).values() if ns <= at_ns]
    lasted_s = (at_ns - min(since)) / NS_PER_S if since else 0.0
    values["since"] = words["since"].format(lasted_s) if since else ""
    lines = [indent + words[stands["is"]].format(**values)]
    for part in stands.get("parts", ()):
        lines += _condition(part, words, at_ns, indent + "  ")
    return lines


def _sent(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    if row.get("held_back"):
        return words["held"].format(row["key"])
    return words["sent" if "alert" in row else "fact"].format(**row)


def difference(found: Difference) -> str:
    """One difference in one line; what was on the left, what is now on the right."""
    mark = {"added": "+", "missing": "-", "changed": "~"}[found.word]
    was = f"{found.was.at} {found.was.done}" if found.was else "-"
    now = f"{found.now.at} {found.now.done}" if found.now else "-"
    return f"{mark} {found.about}: {was} => {now}"
