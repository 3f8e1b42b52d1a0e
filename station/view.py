"""How the station's screen looks: a snapshot in, something that rich prints out. Pure.

Also embedded by the demo. Texts come from gates, so nothing of them is taken as markup and control
characters (an escape sequence, a change of writing direction) are replaced.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.core.clock import NS_PER_S
from contract.words import MsgType, Severity, Stage, Status
from station.answering_view import DRILL, incident_lines, lead_lines
from station.board import Alert, GateRow, Snapshot
from station.call_view import roll_lines
from station.gates import Life
from station.lang import Lang, kind_name, word
from station.look import Look, clock, plain
from station.runs import Run
from station.values import gate_name
from station.work import Work

WIDE = 110
WORK_SHOWN = 12
SHORT_ID = 13
ABSURD_MS = 7 * 86_400_000
_SEVERITY = {
    Severity.CRITICAL: "bold white on red",
    Severity.MAJOR: "bold red",
    Severity.MINOR: "yellow",
    Severity.WARNING: "cyan",
}
_STAGE = {
    Stage.RECEIVED: "bold yellow",
    Stage.SEEN: "cyan",
    Stage.HANDLING: "blue",
    Stage.CLOSED: "dim green",
}
_LIFE = {
    Life.ONLINE: "green",
    Life.SILENT: "bold yellow",
    Life.OFFLINE: "bold red",
    Life.UNKNOWN: "dim",
}


def render(board: Snapshot, look: Look) -> RenderableType:
    """The whole screen: head, alerts newest first, gates, what could not be used."""
    now_ns = board.now_ns
    parts: list[RenderableType] = [head(board, look), "", alerts(board.alerts, look, now_ns)]
    told = [
        *incident_lines(board.incidents, look, now_ns),
        *lead_lines(board.leads, look, now_ns),
    ]
    parts += ["", *told] if told else []
    for roll in board.rolls:
        parts += ["", Text("\n".join(roll_lines(roll, look, now_ns)), style="bold")]
    parts += ["", gates(board.gates, look, now_ns)]
    parts += ["", *(work(row, look) for row in board.work[:WORK_SHOWN])] if board.work else []
    if board.malformed is not None:
        newest = board.malformed
        text = Text.assemble(
            (f"{word('malformed', look.lang)} {board.malformed_total}", "bold red"),
            f"  {clock(newest.received_ns, look, now_ns)} ",
            (plain(newest.topic, 60), "cyan"),
            f"  {plain('; '.join(newest.problems), 160)}",
        )
        parts += ["", text]
    return Group(*parts)


def head(board: Snapshot, look: Look) -> Text:
    """One line: which station, whether it listens, and the counts that matter."""
    lang = look.lang
    text = Text.assemble(
        (f"{word('station', lang)} {plain(board.name or board.station, 40)}", "bold"),
        "  ",
        (
            (f"● {word('listening', lang)}", "green")
            if board.listening
            else (f"● {word('not-listening', lang)}", "bold white on red")
        ),
    )
    if not board.listening:
        text.append(f" {plain(board.not_listening, 100)}", "red")
    text.append(f"  {word('alerts', lang)} {board.alerts_total}")
    text.append(
        f"  {word('unseen', lang)} {board.unseen}", "bold yellow" if board.unseen else "dim"
    )
    text.append(f"  {word('events', lang)} {board.events_total}", "dim")
    if board.queued:
        text.append(f"  {word('queued', lang)} {board.queued}", "yellow")
    text.append(f"  {clock(board.now_ns, look, board.now_ns)}", "dim")
    return text


def alerts(rows: Iterable[Alert], look: Look, now_ns: int) -> RenderableType:
    """The table of alerts; three lines for each where the terminal is narrow."""
    found = list(rows)
    if not found:
        return Text(word("no-alerts", look.lang), style="dim")
    wide = look.width >= WIDE
    table = _table(look)
    table.add_column(word("time", look.lang), no_wrap=True, width=13)
    table.add_column(word("alarm", look.lang), ratio=4, overflow="fold")
    if wide:
        table.add_column(word("what", look.lang), ratio=5, overflow="fold")
        table.add_column(word("place", look.lang), max_width=30, overflow="fold")
    table.add_column(word("delay", look.lang), justify="right", no_wrap=True)
    table.add_column(word("stage", look.lang), width=12, no_wrap=True)
    for row in found:
        what = Text(plain(row.text_en if look.lang is Lang.EN else row.text_zh, 160))
        place = Text(f"{plain(row.place, 32)}\n{gate_name(row.source)}", style="dim")
        when = Text(clock(row.happened_ns, look, now_ns)).append(
            f"\n{plain(row.id[:SHORT_ID], SHORT_ID)}", "dim"
        )
        alarm = _alarm(row, look)
        cells = [alarm, what, place] if wide else [Text("\n").join([alarm, what, _line(place)])]
        stage = Text(word(row.stage, look.lang), style=_STAGE[row.stage])
        if row.stage is not Stage.RECEIVED:
            stage.append(f"\n{plain(row.by, 12)}", "dim")
        table.add_row(when, *cells, _delay(row, look), stage)
    return table


def gates(rows: Iterable[GateRow], look: Look, now_ns: int) -> RenderableType:
    """The table of gates."""
    found = list(rows)
    if not found:
        return Text(word("no-gates", look.lang), style="dim")
    table = _table(look)
    wide = look.width >= WIDE
    table.add_column(word("gate", look.lang), ratio=None if wide else 1, overflow="fold")
    table.add_column(word("life", look.lang), no_wrap=True)
    table.add_column(word("beat", look.lang), justify="right", no_wrap=True)
    table.add_column(word("outbox", look.lang), justify="right", no_wrap=True)
    table.add_column(word("missing", look.lang), justify="right")
    if wide:
        table.add_column(word("notes", look.lang), ratio=5, overflow="fold")
    for row in found:
        own = row.name_en if look.lang is Lang.EN else row.name_zh
        name = Text(plain(own, 40) or gate_name(row.source))
        if own:
            name.append(f"\n{gate_name(row.source)}", "dim")
        heard = age(now_ns - row.heard_ns) if row.heard_ns else word("never", look.lang)
        lost = Text(holes(row.missing), style="bold red" if row.missing else "dim")
        notes = _notes(row, look)
        if not wide and notes:
            name.append("\n").append_text(notes)
        table.add_row(
            name,
            Text(f"● {word(row.life, look.lang)}", style=_LIFE[row.life]),
            Text(heard),
            Text(str(row.outbox), style="yellow" if row.outbox else "dim"),
            lost,
            *([notes] if wide else []),
        )
    return table


def work(row: Work, look: Look) -> Text:
    """One line: a post or a task, how it stands and by whom."""
    lang, bad = look.lang, row.state in ("empty", "declined")
    text = Text(f"{word(row.what, lang)} {gate_name(row.source)} ", "dim")
    if row.drill:
        text.append(f" {word(Status.EXERCISE, lang)} ", DRILL).append(" ")
    text.append(word(row.state, lang), "bold red" if bad else "green")
    text.append(f" {plain(row.by, 24)} {plain(row.id[:SHORT_ID], SHORT_ID)}", "dim")
    return text.append(f"  {plain(row.note, 100)}") if row.note else text


def age(ns: int) -> str:
    """How long ago, in the largest unit that says enough."""
    seconds = max(ns, 0) // NS_PER_S
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def holes(runs: Iterable[Run]) -> str:
    """Missing numbers as ``12, 15-18``; the last three holes, and how many more."""
    found = list(runs)
    texts = [f"{r.first}" if r.first == r.last else f"{r.first}-{r.last}" for r in found[-3:]]
    more = f"+{len(found) - 3}, " if len(found) > 3 else ""
    return more + ", ".join(texts) if found else "0"


def _table(look: Look) -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        width=look.width,
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        collapse_padding=True,
        header_style="bold",
    )


def _alarm(row: Alert, look: Look) -> Text:
    text = Text()
    if row.status is not Status.ACTUAL:
        text.append(f" {word(row.status, look.lang)} ", DRILL).append(" ")
        text.append(kind_name(row.kind, look.lang), "magenta")
    else:
        style = _SEVERITY.get(Severity(row.severity), "") if row.severity else ""
        text.append(f" {word(row.severity, look.lang)} ", style).append(" ")
        text.append(kind_name(row.kind, look.lang), "bold")
    if row.msgtype in (MsgType.UPDATE, MsgType.CANCEL):
        text.append(f" ({word(row.msgtype, look.lang)})", "dim")
    return text


def _delay(row: Alert, look: Look) -> Text:
    """From cause to receipt; with ``~`` by a clock that nobody vouches for, ``?`` when absurd."""
    found = Text("" if row.synced else "~")
    if abs(row.latency_ms) < 10_000:
        found.append(f"{row.latency_ms} ms")
    elif row.synced or 0 < row.latency_ms < ABSURD_MS:
        found.append(age(row.latency_ms * 1_000_000))
    else:
        found = Text("?", style="dim")
    return found.append(f"\n{word('replayed', look.lang)}", "yellow") if row.replayed else found


def _notes(row: GateRow, look: Look) -> Text:
    lang = look.lang
    bad: list[str] = [word("doubled", lang)] if row.doubled else []
    if row.audit_fault:
        bad.append(f"{word('audit-fault', lang)}: {plain(row.audit_fault, 100)}")
    if row.malformed:
        bad.append(f"{word('malformed', lang)} {row.malformed}")
    if row.reused:
        bad.append(f"{word('reused', lang)} {row.reused}")
    mild = [word("unsynced", lang)] if row.clock_synced is False else []
    if row.missing_events:
        mild.append(f"{word('missing-events', lang)} {row.missing_events}")
    mild += [plain(text, 80) for text in (*row.issues, *row.troubled)]
    dim = [f"{word('stale', lang)} {row.stale}"] if row.stale else []
    if row.life is Life.OFFLINE and row.reason:
        dim.append(plain(row.reason, 60))
    styled = [(bad, "bold red"), (mild, "yellow"), (dim, "dim")]
    return Text("; ").join(Text(item, style=style) for items, style in styled for item in items)


def _line(text: Text) -> Text:
    return Text(text.plain.replace("\n", " · "), style="dim")
