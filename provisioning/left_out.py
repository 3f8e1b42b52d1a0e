"""What a replay leaves out: the ways of answering, and why. Pure.

A way decides by who answered, by what an order or a task says, and by its open cases. The record
holds none of these, so that it names nobody; their decisions are counted, not replayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

REASON = {
    "en": "who answered and what orders said is not in the record",
    "zh": "记录中不含应答人和指令内容",
}


def left_out(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many decisions of each way stand in *entries*, by its name."""
    counted: Counter[str] = Counter()
    for entry in entries:
        for row in entry.get("did", ()):
            if "way" in row and row.get("do"):
                counted[row["way"]] += len(row["do"])
    return dict(sorted(counted.items()))


def in_words(counted: Mapping[str, int]) -> str:
    """That as a line for people, in both languages; empty where nothing was left out."""
    if not counted:
        return ""
    ways = ", ".join(f"{name} {count}" for name, count in counted.items())
    return f"not replayed: {ways} ({REASON['en']})  未回放：响应机制（{REASON['zh']}）"
