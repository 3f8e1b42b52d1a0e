"""How clocks, levels and leads look on the station's screen. Pure.

Here: lines of rich text. Not here: roll-calls (``station.call_view``), the screen
(``station.view``).
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from agent.core.clock import NS_PER_S
from contract.words import Status
from station.going import LeadRow
from station.incidents import Incident, Level, StageStand, Step
from station.lang import Lang, kind_name, word
from station.look import Look, plain
from station.values import gate_name

INCIDENTS_SHOWN = 6
LEADS_SHOWN = 6
DRILL = "bold white on magenta"
_STEP = {
    Step.WAITING: "cyan",
    Step.MET: "green",
    Step.BROKEN: "bold red",
    Step.LATE: "yellow",
}


def incident_lines(incidents: Iterable[Incident], look: Look, now_ns: int) -> list[Text]:
    """Each incident: what and where, its clock as it runs, who is meant now."""
    found = list(incidents)
    lines: list[Text] = []
    for incident in found[:INCIDENTS_SHOWN]:
        passed_s = max(now_ns - incident.began_ns, 0) / NS_PER_S
        lines.append(_head(incident.status, incident.kind, incident.source, look))
        lines[-1].append(f" {plain(incident.where, 32)}  +{_minutes(passed_s)}", "bold")
        if incident.stages:
            parts = [_stage(stage, passed_s, look) for stage in incident.stages]
            lines.append(Text("  ").append(Text("   ").join(parts)))
        if incident.chain:
            lines.append(_level(incident, passed_s, look))
    return lines + _more(len(found) - INCIDENTS_SHOWN)


def lead_lines(leads: Iterable[LeadRow], look: Look, now_ns: int) -> list[Text]:
    """Leads that wait for a person: for the first or the second, and how long."""
    waiting = [lead for lead in leads if lead.waits]
    lines = []
    for lead in waiting[:LEADS_SHOWN]:
        line = _head(lead.status, lead.kind, lead.source, look)
        line.append(f" {word(f'lead-{lead.standing}', look.lang)}", "bold yellow")
        waited = _minutes(max(now_ns - lead.happened_ns, 0) / NS_PER_S)
        line.append(f" {plain(', '.join(lead.by), 40)}" if lead.by else "")
        line.append(f"  {word('picture', look.lang)}" if lead.picture else "", "cyan")
        lines.append(line.append(f"  +{waited}  {plain(lead.id, 13)}", "dim"))
    return lines + _more(len(waiting) - LEADS_SHOWN)


def stage_words(stage: int, limit_s: float, step: str, after_s: float | None, lang: Lang) -> str:
    """A stage without what only time changes: how it stands and since when."""
    name = f"{stage} {word('minutes', lang)}"
    if after_s is not None:
        return f"{name} {word(step, lang)} {after_s:g} s"
    return f"{name} {word(step, lang)} ({limit_s:g} s)"


def level_name(level: Level, lang: Lang) -> str:
    """The level's name in the reader's language."""
    return plain(level.en if lang is Lang.EN else level.zh, 40)


def _stage(stage: StageStand, passed_s: float, look: Look) -> Text:
    told = stage_words(stage.stage, stage.limit_s, stage.step, stage.after_s, look.lang)
    style = _STEP[stage.step]
    if stage.step is Step.WAITING:
        left_s = stage.limit_s - passed_s
        name = f"{stage.stage} {word('minutes', look.lang)}"
        told = f"{name} {word('left', look.lang)} {_minutes(left_s)}"
        if left_s < 0:
            told, style = f"{name} {word('overdue', look.lang)} {_minutes(-left_s)}", "bold red"
    return Text(told, style)


def _level(incident: Incident, passed_s: float, look: Look) -> Text:
    lang = look.lang
    line = Text(f"  {word('level', lang)} ").append(
        level_name(incident.chain[incident.level], lang), "bold"
    )
    if incident.taken_up_by:
        line.append(f"  {word('taken-up', lang)} {plain(incident.taken_up_by, 24)}", "green")
    above = incident.next_level
    if above is not None:
        left = _minutes(max(above.after_s - passed_s, 0))
        line.append(f"  {word('next-level', lang)} {level_name(above, lang)} {left}", "yellow")
    return line


def _head(status: Status, kind: str, source: str, look: Look) -> Text:
    text = Text(f"{gate_name(source)} ", "dim")
    if status is not Status.ACTUAL:
        text.append(f" {word(status, look.lang)} ", DRILL).append(" ")
    return text.append(kind_name(kind, look.lang), "bold")


def _more(count: int) -> list[Text]:
    return [Text(f"+{count}", "yellow")] if count > 0 else []


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
