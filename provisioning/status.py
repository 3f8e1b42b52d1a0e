"""The running agent's state for people, in the language of the gate's console."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_WORDS = {
    "en": {
        "up": "link up",
        "down": "no link",
        "healthy": "healthy",
        "issues": "issues",
        "waiting": "{n} waiting for the station, oldest {s:g} s",
        "nothing": "nothing waits for the station",
        "part": "part",
        "state": "state",
        "why": "why",
        "incidents": "open incidents",
    },
    "zh": {
        "up": "链路正常",
        "down": "链路中断",
        "healthy": "一切正常",
        "issues": "待处理问题",
        "waiting": "{n} 条待发往指挥中心，最早 {s:g} 秒前",
        "nothing": "没有待发消息",
        "part": "部件",
        "state": "状态",
        "why": "原因",
        "incidents": "未结事件",
    },
}
_COLOURS = {"ok": "green", "degraded": "yellow", "down": "red"}


def status_text(answer: Mapping[str, Any], language: str) -> str:
    """What ``gatehouse status`` prints."""
    words = _WORDS[language]
    out = Console(file=StringIO(), force_terminal=None, record=True)
    name = escape(answer["name"][language])
    link = words["up"] if answer["link"] else words["down"]
    out.print(f"[bold]{name}[/] ({answer['gate']}, {answer['version']}): {link}")
    pending = answer["outbox"]["pending"]
    waiting = words["waiting"].format(n=pending, s=answer["outbox"]["oldest_s"])
    out.print(waiting if pending else words["nothing"])
    table = Table(words["part"], words["state"], words["why"], box=None, pad_edge=False)
    rows = {
        **{name: {"state": state} for name, state in answer["inputs"].items()},
        **answer["components"],
    }
    for part, row in rows.items():
        state = str(row["state"])
        colour = _COLOURS.get(state, "")
        table.add_row(part, Text(state, style=colour), Text(str(row.get("reason", ""))))
    out.print(table)
    for issue in answer["issues"]:
        out.print(Text(f"! {issue['component']}: {issue['text']}", style="red"))
    if answer["incidents"]:
        out.print(Text(f"{words['incidents']}: {', '.join(answer['incidents'])}"))
    return out.export_text(styles=False).rstrip()
