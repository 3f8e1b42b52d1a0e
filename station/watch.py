"""``station watch``: what changed since the last look, as lines, and the live screen's loop.

Reads the station's file by polling (a look costs one PRAGMA while nothing was written). Not here:
the looks (``station.view``), reading (``station.snapshot``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.live import Live

from agent.core.clock import format_utc
from station.answering_watch import AnsweringChanges, text_of
from station.board import Alert, Fact, GateRow, Malformed, Snapshot
from station.going import lead_json
from station.incidents import clock_json, level_json
from station.lang import kind_name, word
from station.look import Look, clock, plain
from station.rollcall import roll_json
from station.snapshot import Reader
from station.values import gate_name
from station.view import render

POLL_S = 0.25
REDRAW_S = 1.0
SHOWN = 20
KEPT = 500

Line = dict[str, object]


def alert_line(row: Alert) -> Line:
    """An alert for programs."""
    return {
        "event": "alert",
        "id": row.id,
        "source": row.source,
        "kind": row.kind,
        "severity": row.severity,
        "status": row.status.value,
        "msgtype": row.msgtype,
        "incident": row.incident,
        "text": {"en": row.text_en, "zh": row.text_zh},
        "where": row.place,
        "device": row.device,
        "seq": row.seq,
        "replayed": row.replayed,
        "happened_at": format_utc(row.happened_ns),
        "received_at": format_utc(row.received_ns),
        "latency_ms": row.latency_ms,
        "clock_synced": row.synced,
        "copies": row.copies,
        "stage": row.stage.value,
        "by": row.by,
        "faults": list(row.faults),
    }


def fact_line(row: Fact) -> Line:
    """An event that is no alarm, for programs."""
    return {
        "event": "fact",
        "id": row.id,
        "source": row.source,
        "kind": row.kind,
        "status": row.status.value,
        "seq": row.seq,
        "replayed": row.replayed,
        "happened_at": format_utc(row.happened_ns),
        "received_at": format_utc(row.received_ns),
        "details": dict(row.details),
    }


def gate_line(row: GateRow) -> Line:
    """A gate for programs; ``heard_at`` is left out of what counts as a change."""
    return {
        "event": "gate",
        "source": row.source,
        "state": row.life.value,
        "version": row.version,
        "issues": list(row.issues),
        "troubled": list(row.troubled),
        "outbox": row.outbox,
        "clock_synced": row.clock_synced,
        "duplicate_identity": row.doubled,
        "missing": [[run.first, run.last] for run in row.missing],
        "missing_events": row.missing_events,
        "malformed": row.malformed,
        "reused": row.reused,
        "audit_fault": row.audit_fault or None,
    }


def malformed_line(row: Malformed) -> Line:
    """A message that could not be used, for programs."""
    return {
        "event": "malformed",
        "topic": row.topic,
        "problems": list(row.problems),
        "received_at": format_utc(row.received_ns),
    }


def board_line(board: Snapshot) -> Line:
    """The whole screen for programs."""
    return {
        "event": "board",
        "station": board.station,
        "name": board.name,
        "at": format_utc(board.now_ns),
        "listening": board.listening,
        "reason": board.not_listening,
        "alerts_total": board.alerts_total,
        "unseen": board.unseen,
        "events_total": board.events_total,
        "malformed_total": board.malformed_total,
        "queued": board.queued,
        "gates": [{**gate_line(g), "heard_at": format_utc(g.heard_ns)} for g in board.gates],
        "alerts": [alert_line(row) for row in board.alerts],
        "work": [asdict(work) for work in board.work],
        "calls": [roll_json(roll) for roll in board.rolls],
        "clocks": [clock_json(incident) for incident in board.incidents if incident.stages],
        "levels": [level_json(incident) for incident in board.incidents if incident.chain],
        "leads": [lead_json(lead) for lead in board.leads],
    }


@dataclass(slots=True)
class _Seen:
    alert: int
    fact: int
    ack: int
    malformed: int
    gates: dict[str, Line]
    host: tuple[bool, str]


class Changes:
    """Tells what happened since it was made, each thing once and in order."""

    def __init__(self, reader: Reader, now_ns: int) -> None:
        self._reader = reader
        board = reader.snapshot(now_ns, 0)
        messages, acks, malformed = reader.last_numbers()
        self._seen = _Seen(
            messages,
            messages,
            acks,
            malformed,
            {g.source: gate_line(g) for g in board.gates},
            (board.listening, board.not_listening),
        )
        self._answering = AnsweringChanges(board)

    def first_line(self) -> Line:
        """Says that from here on nothing is missed."""
        listening, reason = self._seen.host
        return {"event": "watching", "listening": listening, "reason": reason}

    def alerts(self) -> list[Alert]:
        """New alerts, oldest first."""
        found = self._reader.alerts_after(self._seen.alert, KEPT)
        self._seen.alert = max([self._seen.alert, *(row.n for row in found)])
        return found

    def others(self, now_ns: int) -> Iterator[Line]:
        """New events, stages, malformed messages, changes of gates and of the serving program."""
        for fact in self._reader.facts_after(self._seen.fact, KEPT):
            self._seen.fact = fact.n
            yield fact_line(fact)
        for n, source, message_id, stage, by in self._reader.acks_after(self._seen.ack):
            self._seen.ack = n
            yield {"event": "ack", "id": message_id, "source": source, "stage": stage, "by": by}
        for row in self._reader.malformed_after(self._seen.malformed):
            self._seen.malformed = row.n
            yield malformed_line(row)
        board = self._reader.snapshot(now_ns, 0)
        yield from self._answering.lines(board)
        for gate in board.gates:
            line = gate_line(gate)
            if self._seen.gates.get(gate.source) != line:
                self._seen.gates[gate.source] = line
                yield line
        if self._seen.host != (board.listening, board.not_listening):
            self._seen.host = (board.listening, board.not_listening)
            yield {"event": "host", "listening": board.listening, "reason": board.not_listening}


def follow(
    reader: Reader,
    say: Callable[[Line], None],
    stopped: Callable[[], bool],
    sleep: Callable[[float], None],
    now_ns: Callable[[], int],
) -> None:
    """Say every change as a line, until stopped."""
    changes = Changes(reader, now_ns())
    say(changes.first_line())
    known, looked_ns = -1, 0
    while not stopped():
        found, at_ns = reader.changes(), now_ns()
        if found != known or abs(at_ns - looked_ns) >= REDRAW_S * 1e9:
            for row in changes.alerts():
                say(alert_line(row))
            for line in changes.others(at_ns):
                say(line)
            known, looked_ns = found, at_ns
        sleep(POLL_S)


def live(
    reader: Reader,
    console: Console,
    look: Callable[[int], Look],
    stopped: Callable[[], bool],
    sleep: Callable[[float], None],
    now_ns: Callable[[], int],
) -> None:
    """Draw the screen until stopped; *look* is asked with the terminal's width at every drawing."""
    with Live(console=console, screen=True, auto_refresh=False) as screen:
        while not stopped():
            height = max(3, (console.height - 12) // 3)
            board = reader.snapshot(now_ns(), min(SHOWN, height))
            screen.update(render(board, look(console.width)), refresh=True)
            sleep(POLL_S)


def text_line(line: Line, look: Look, now_ns: int) -> str:
    """A line for people, where the output is no terminal."""
    event = str(line["event"])
    if event == "alert":
        words = (line["status"], line["severity"], kind_name(str(line["kind"]), look.lang))
        place = f"{plain(str(line['where']), 32)} {gate_name(str(line['source']))}"
        text = line["text"]
        shown = str(text[look.lang.value]) if isinstance(text, dict) else ""
        told = f"{' '.join(map(str, words))}: {plain(shown, 160)} ({place})"
        return f"{clock(now_ns, look, now_ns)} {told} {line['id']}"
    told_of = text_of(line, look)
    if told_of is not None:
        return f"{clock(now_ns, look, now_ns)} {told_of}"
    about = ", ".join(f"{k}={plain(str(v), 160)}" for k, v in line.items() if k != "event" and v)
    return f"{clock(now_ns, look, now_ns)} {word(event, look.lang)}: {about}"
