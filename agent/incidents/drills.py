"""Drills: an alarm that is none, answered as if it were one, and measured.

::

    (none)  --drill.start-----------------> running  Exercise incident, beacon, a note
    running --drill.start-----------------> running  refused: busy
    running --drill.stop------------------> ended
    running --for_s over------------------> ended
    running --station closes the alert----> ended
    running --its time was over at a start-> ended
    ended   --drill.stop, drill.start again-> ended  refused, with how it ended

A drill that ends takes its incident back and tells ``~/drill/report/drill/{id}``: who answered, and
the times against 1-3-5. Everything of it is said with status Exercise, on the drill branch. No door
is moved; a beacon or siren is left alone while something real is going on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.border.orders import DrillStart, DrillStop
from agent.config.schema.sla import SlaConfig
from agent.core.answers import Answer, GuardAnswered, Ordered
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Actuate, Decision, Details, Drive, Note, Raise, Resolve, Tell
from agent.core.errors import RefusedError
from agent.core.events import AckReceived, Event, IncidentChanged, Stand
from agent.core.text import Text
from agent.incidents.drill import CALL, CALLED, SCENES, Drill, Line, Scene, Stage, report
from agent.incidents.sla_clock import STAGES, breach_key, stages_met
from agent.incidents.way import Item, Obeys, Way
from contract.words import CommandName, Kind, Refusal, Severity, Status, Urgency

KEPT_ENDED = 20
LONGEST_TIMELINE = 500
OVERSLEPT_NS = 5 * NS_PER_S
START, STOP = CommandName.DRILL_START, CommandName.DRILL_STOP
ANSWERS = (Answer.SEEN, Answer.COMING, Answer.CANNOT)
_OVER = Text("Drill is over", "演练结束")


@dataclass(slots=True)
class Drills(Way[Drill]):
    """The drills of this gate, by id; one runs at a time."""

    NAME: ClassVar[str] = "drills"
    CASE: ClassVar[type] = Drill
    ORDERS: ClassVar[Mapping[CommandName, Obeys]] = {
        START: Obeys(DrillStart, in_drills=True),
        STOP: Obeys(DrillStop, in_drills=True),
    }

    stage: Stage
    sla: SlaConfig
    settings: Callable[[], SlaConfig] | None = None

    @property
    def due_ns(self) -> int | None:
        """When the drill that runs is over."""
        drill = self._running
        return None if drill is None else drill.over_ns

    @property
    def items(self) -> list[Item]:
        """The drill that runs, so that everybody knows it for one."""
        drill = self._running
        if drill is None:
            return []
        text = SCENES[drill.scenario].text
        measured = drill.kind in self.sla.kinds
        return [
            Item(
                drill.drill_id,
                self.NAME,
                Text(f"Drill: {text.en} at {drill.where}", f"演练：{drill.where}{text.zh}"),
                drill.began,
                ANSWERS if measured else (*ANSWERS, Answer.ARRIVED),
                Status.EXERCISE,
                ", ".join(sorted({line.what for line in drill.lines if line.what in set(Answer)})),
            )
        ]

    def permit(self, order: Ordered) -> None:
        """One drill at a time, no id twice, and only at an input of this gate."""
        args, running = order.args, self._running
        if order.name is STOP:
            self._permit_stop(args.get("drill_id"), running)
            return
        if running is not None:
            raise RefusedError(Refusal.BUSY, f"drill '{running.drill_id}' runs")
        if args["drill_id"] in self.cases:
            raise RefusedError(Refusal.REPEATED, self._how_ended(str(args["drill_id"])))
        device = args.get("device")
        if device is not None and device not in self.stage.spots:
            raise RefusedError(Refusal.MALFORMED, f"args: device: there is no input '{device}'")
        if args["scenario"] == CALL and not self.stage.calls:
            detail = "this gate calls no area (answering.caller_for); have the station call"
            raise RefusedError(Refusal.UNSUPPORTED, detail)

    def called(self, incident: str, calls: Mapping[str, str], now: Stamp) -> None:
        """This gate called areas about *incident*; call ids by area."""
        drill = self._running
        if drill is not None and drill.incident == incident:
            for area, call_id in calls.items():
                details = {"area": area, "call_id": call_id, "after_s": drill.after_s(now)}
                drill = self._note(drill, now, CALLED, "gate", details)

    def took(self, cmd_id: str) -> bool:
        """Whether a drill was started or stopped by it."""
        return any(cmd_id in drill.cmds for drill in self.cases.values())

    def on_event(self, event: Event) -> list[Decision]:
        """Commands, and what comes of the drill that runs."""
        match event:
            case Ordered(name=CommandName.DRILL_START):
                return self._start(event)
            case Ordered(name=CommandName.DRILL_STOP):
                return self._stop(event)
        drill = self._running
        if drill is None:
            return []
        match event:
            case IncidentChanged(status=Status.EXERCISE):
                return self._incident(drill, event)
            case IncidentChanged(stand=Stand.OPENED, kind=kind) if kind is not Kind.SLA_BREACH:
                drill = replace(drill, real=(*drill.real, event.incident))
                self._note(drill, event.at, "real.incident", "gate", {"kind": event.kind})
            case AckReceived(alert_id=alert) if alert in drill.alerts:
                details = {"after_s": drill.after_s(event.at)}
                self._note(drill, event.at, f"ack.{event.stage}", event.by, details)
            case GuardAnswered():
                self._answered(drill, event)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """The drill that runs ends by itself."""
        drill = self._running
        if drill is None or now.monotonic_ns < drill.over_ns:
            return []
        return self._end(drill, now, "its time is over")

    def resume(self, cases: Mapping[str, Drill], now: Stamp) -> list[Decision]:
        """A drill goes on, or has ended while the gate was down."""
        self.cases.update(cases)
        drill = self._running
        if drill is None:
            return []
        if now.monotonic_ns - drill.over_ns > OVERSLEPT_NS:
            return self._end(drill, now, "its time was over while the agent was down")
        drill = self._note(drill, now, "agent.restarted", "gate", {})
        return [] if drill.incident is not None else [self._alarm(drill, now)]

    @property
    def _running(self) -> Drill | None:
        return next((drill for drill in self.cases.values() if drill.ended is None), None)

    def _permit_stop(self, wanted: object, running: Drill | None) -> None:
        if running is not None and wanted in (None, running.drill_id):
            return
        if wanted in self.cases:
            raise RefusedError(Refusal.UNEXPECTED, self._how_ended(str(wanted)))
        named = "no drill" if wanted is None else f"no drill '{wanted}'"
        raise RefusedError(Refusal.UNEXPECTED, f"{named} runs at this gate")

    def _how_ended(self, drill_id: str) -> str:
        drill = self.cases[drill_id]
        at = drill.ended.utc if drill.ended else ""
        return f"drill '{drill_id}' ended at {at}: {drill.why}"

    def _start(self, order: Ordered) -> list[Decision]:
        args, now = order.args, order.at
        scene, seed = SCENES[str(args["scenario"])], int(str(args["seed"]))
        device, where = self._place(scene, args.get("device"), seed)
        drill = Drill(
            str(args["drill_id"]),
            str(args["scenario"]),
            device,
            where,
            now,
            float(str(args["for_s"])),
            seed,
            (order.cmd_id,),
            limits=(self.settings() if self.settings else self.sla).limits,
        )
        self._forget_oldest()
        drill = self._note(drill, now, "started", str(args["by"]) or order.issuer, {})
        told = Note(now, "drill.started", device, where, _about(drill), Status.EXERCISE)
        return [*self._drive(Drive.ON, drill.for_s), told, self._alarm(drill, now)]

    def _place(self, scene: Scene, device: object, seed: int) -> tuple[str, str]:
        """Which device it is about, and where that is."""
        spots = self.stage.spots
        fitting = sorted(name for name, spot in spots.items() if spot.type == scene.devices)
        if device is None and fitting:
            device = fitting[seed % len(fitting)]
        if device is None:
            return self.stage.gate, self.stage.gate
        return str(device), spots[str(device)].where

    def _alarm(self, drill: Drill, now: Stamp) -> Raise:
        text, spot = SCENES[drill.scenario].text, self.stage.spots.get(drill.device)
        label = self.stage.label if spot is None else spot.label
        return Raise(
            at=now,
            rule=self.NAME,
            kind=drill.kind,
            key=drill.key,
            severity=Severity.CRITICAL if drill.kind in self.sla.kinds else Severity.MAJOR,
            urgency=Urgency.IMMEDIATE,
            text=Text(f"EXERCISE: {text.en}: {label.en}", f"演练：{label.zh}，{text.zh}"),
            device=drill.device,
            where=drill.where,
            details=_about(drill),
            status=Status.EXERCISE,
            lasting=True,
            latched=True,
        )

    def _incident(self, drill: Drill, event: IncidentChanged) -> list[Decision]:
        ours = event.incident == drill.incident
        if drill.incident is None and (event.kind, event.device) == (drill.kind, drill.device):
            drill, ours = replace(drill, incident=event.incident), True
        if ours and event.stand is Stand.ENDED:
            return self._end(drill, event.at, "the station closed its alert")
        if event.alert is not None and (ours or event.kind is Kind.SLA_BREACH):
            drill = replace(drill, alerts=(*drill.alerts, event.alert))
            self._note(drill, event.at, f"{event.kind}.{event.stand}", "gate", {})
        return []

    def _answered(self, drill: Drill, event: GuardAnswered) -> None:
        """What somebody says goes to what is real, unless it names the drill."""
        about = event.about
        if about not in (drill.drill_id, drill.incident) and (about or self.stage.real()):
            return
        after_s = drill.after_s(event.at)
        if event.answer is Answer.ARRIVED:
            new = {s: after_s for s in stages_met(event.helper) if s not in drill.met}
            drill = replace(drill, met={**drill.met, **new})
        details = {"helper": event.helper.value, "after_s": after_s, "with": event.by}
        self._note(drill, event.at, event.answer.value, event.who, details)

    def _stop(self, order: Ordered) -> list[Decision]:
        drill = self._running
        if drill is None:
            return []
        drill = replace(drill, cmds=(*drill.cmds, order.cmd_id))
        who = str(order.args.get("by") or order.issuer)
        return self._end(drill, order.at, f"stopped by {who}")

    def _end(self, drill: Drill, now: Stamp, why: str) -> list[Decision]:
        drill = self._note(drill, now, "ended", "gate", {"why": why})
        self.keep(drill.drill_id, replace(drill, ended=now, why=why, lines=()))
        about = {"drill_id": drill.drill_id, "why": why}
        body = report(drill, now, why, drill.limits or self.sla.limits)
        breaches = () if drill.incident is None else (breach_key(drill.incident, s) for s in STAGES)
        return [
            *self._drive(Drive.OFF),
            *(Resolve(now, key, _OVER) for key in (drill.key, *breaches)),
            Note(now, "drill.ended", drill.device, drill.where, about, Status.EXERCISE),
            Tell(("report", "drill", drill.drill_id), body, Status.EXERCISE),
        ]

    def _note(self, drill: Drill, at: Stamp, what: str, by: str, details: Details) -> Drill:
        if len(drill.lines) < LONGEST_TIMELINE or what == "ended":
            drill = replace(drill, lines=(*drill.lines, Line(at, what, by[:64], details)))
        self.keep(drill.drill_id, drill)
        return drill

    def _drive(self, drive: Drive, for_s: float | None = None) -> list[Decision]:
        """Beacons, and sirens where the site wants that; never while they serve something real."""
        return [] if self.stage.real() else [Actuate(o, drive, for_s) for o in self.stage.outputs]

    def _forget_oldest(self) -> None:
        """What is remembered of ended drills stays small."""
        ended = sorted(self.cases.values(), key=lambda drill: drill.began.monotonic_ns)
        for drill in ended[: max(0, len(ended) - KEPT_ENDED + 1)]:
            self.end(drill.drill_id)


def _about(drill: Drill) -> Details:
    return {"drill_id": drill.drill_id, "scenario": drill.scenario, "for_s": drill.for_s}
