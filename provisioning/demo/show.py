"""What a viewer of the demo sees: the script's progress above the station's own live view.

``--json`` prints one line per event instead; without a terminal plain lines are printed.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from provisioning.demo.story import Judgement, Title
from station.board import Snapshot
from station.lang import Lang
from station.look import Look
from station.view import render
from station.watch import alert_line, gate_line

Line = dict[str, object]


class Show(Protocol):
    """Somewhere to show the demo."""

    def say(self, event: str, text: Title, **about: object) -> None:
        """Something about the demo itself."""

    def board(self, board: Snapshot) -> None:
        """What the station shows now."""

    def close(self) -> None:
        """The end."""


class JsonShow:
    """One JSON object a line: what is new since the last look."""

    def __init__(self) -> None:
        self._seen: dict[str, Line] = {}

    def say(self, event: str, text: Title, **about: object) -> None:
        """One line."""
        self._print({"event": event, "text": text.en, **about})

    def board(self, board: Snapshot) -> None:
        """A line for each alert and gate that is new or changed."""
        for alert in reversed(board.alerts):
            self._told(alert.id, alert_line(alert))
        for gate in board.gates:
            self._told(gate.source, gate_line(gate))

    def close(self) -> None:
        """Nothing is open."""

    def _told(self, key: str, line: Line) -> None:
        before = self._seen.get(key)
        if before != line:
            self._seen[key] = line
            self._print({**line, "event": _event(before, line)})

    def _print(self, line: Line) -> None:
        print(json.dumps(line, ensure_ascii=False), flush=True)


def _event(before: Line | None, line: Line) -> object:
    """What a changed line tells: an answer, or that the gate sent the alert once more."""
    if before is None or line["event"] != "alert":
        return line["event"]
    answered = any(before[field] != line[field] for field in ("stage", "by"))
    return "ack" if answered else "copy"


class PlainShow:
    """Lines for a pipe or a log."""

    def __init__(self, lang: Lang) -> None:
        self._lang = lang
        self._stages: dict[str, str] = {}

    def say(self, event: str, text: Title, **about: object) -> None:
        """One line."""
        del event, about
        print(text.zh if self._lang is Lang.ZH else text.en, flush=True)

    def board(self, board: Snapshot) -> None:
        """A line for each alert that is new or got further."""
        for alert in reversed(board.alerts):
            if self._stages.get(alert.id) != alert.stage:
                self._stages[alert.id] = alert.stage
                words = alert.text_zh if self._lang is Lang.ZH else alert.text_en
                print(
                    f"  {alert.status} {alert.severity} {alert.kind} {alert.place}: {words}"
                    f" ({alert.latency_ms} ms) {alert.stage}",
                    flush=True,
                )

    def close(self) -> None:
        """Nothing is open."""


class LiveShow:
    """The station's live view, the script above it."""

    def __init__(self, console: Console, lang: Lang) -> None:
        self._console = console
        self._lang = lang
        self._lines: list[Text] = []
        self._zone = datetime.now(UTC).astimezone().tzinfo or UTC
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="visible")
        self._live.start()
        self._last: Snapshot | None = None
        self._drawn = 0.0

    def say(self, event: str, text: Title, **about: object) -> None:
        """A line above the view; the last ones stay."""
        del about
        words = text.zh if self._lang is Lang.ZH else text.en
        style = {"scene": "bold", "failed": "bold red", "done": "bold green"}.get(event, "dim")
        self._lines.append(Text(words, style=style))
        self._draw()

    def board(self, board: Snapshot) -> None:
        """Draw it, at most four times a second."""
        self._last = board
        if time.monotonic() - self._drawn > 0.25:
            self._draw()

    def close(self) -> None:
        """Leave the last picture standing."""
        self._draw()
        self._live.stop()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        look = Look(self._lang, self._console.width, self._zone)
        rows: list[Text | object] = list(self._lines[-12:])
        if self._last is not None:
            rows += [Text(), render(self._last, look)]
        self._live.update(Group(*rows), refresh=True)  # type: ignore[arg-type]


def verdict(judgement: Judgement) -> Title:
    """The last word."""
    if judgement.good:
        return Title(
            "Everything expected was stored and acknowledged, and nothing else.",
            "应到的警情全部入库并确认，没有多余。",
        )
    wrong = [f"not in time: {title.en}" for title in judgement.late]
    wrong += [f"missing {e.kind} of {e.device}" for e in judgement.missing]
    wrong += [f"unexpected {a.kind} of {a.device} ({a.msgtype})" for a in judgement.unexpected]
    if judgement.waiting:
        wrong.append(f"{judgement.waiting} message(s) still wait in the gate's outbox")
    return Title("Not as expected: " + "; ".join(wrong), "与预期不符：" + "; ".join(wrong))
