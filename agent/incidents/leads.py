"""Leads, not verdicts: every face lead waits until persons at the station have decided.

Here: what happens when; the table of standings is ``agent.incidents.lead``'s.

Until ``confirmed`` the guard reads that there is a possible match and nothing of whom; then the
entry's instruction, and the rule's outputs sound. What is decided loses its entry at once: only the
alert's id, the outcome and who decided stay for a day, so that a late word is answered.

A likeness for review (``FaceReview``) is no lead: a guard looks and says yes or no, it is counted,
and neither its entry nor its figures leave the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from agent.border.orders import LeadVerdict
from agent.config.schema.answering import LeadsConfig
from agent.config.schema.base import Label
from agent.core.answers import Answer, GuardAnswered, Ordered
from agent.core.clock import NS_PER_S, Stamp
from agent.core.decisions import Actuate, Decision, Drive, Note
from agent.core.errors import RefusedError
from agent.core.events import AckReceived, Event, FaceReview, IncidentChanged, Stand
from agent.core.text import Text
from agent.incidents.lead import (
    DECIDED,
    TRANSITIONS,
    WAITING,
    Lead,
    Standing,
    Step,
    likeness_of,
    persons_of,
    step_of,
    wait_text,
)
from agent.incidents.way import Item, Obeys, Way
from contract.words import FACE_LEADS, CommandName, Kind, Refusal, Stage, Status

SHOWN_NS = 3600 * NS_PER_S
KEPT_NS = 86_400 * NS_PER_S
MOST_KEPT = 1000
MOST_REVIEWS = 50


@dataclass(frozen=True, slots=True)
class Knows:
    """What leads ask of others.

    ``instruction`` of a valid entry (of a drill or not), ``hushed``: nothing of that entry may show
    at this gate; ``taken``: that likeness is not for the guard; ``labels`` of cameras, ``outputs``
    by rule, ``new_id`` for reviews.
    """

    instruction: Callable[[str, bool], Text | None]
    hushed: Callable[[str, bool], bool]
    taken: Callable[[FaceReview], bool]
    labels: Mapping[str, Label]
    outputs: Mapping[str, tuple[str, ...]]
    new_id: Callable[[], str]


@dataclass(slots=True)
class Leads(Way[Lead]):
    """The leads of this gate, by alert; ``tell`` hears how each real one stood, and stands now."""

    NAME: ClassVar[str] = "leads"
    CASE: ClassVar[type] = Lead
    ORDERS: ClassVar[Mapping[CommandName, Obeys]] = {
        CommandName.LEAD_VERDICT: Obeys(LeadVerdict, in_drills=True)
    }

    config: LeadsConfig
    knows: Knows
    tell: Callable[[Standing, Standing], None] = lambda _was, _standing: None
    _reviews: dict[tuple[str, str, bool], str] = field(default_factory=dict, init=False)

    @property
    def due_ns(self) -> int | None:
        """When the first lead has waited or stood for long enough."""
        return min((self._due_ns(lead) for lead in self.cases.values()), default=None)

    @property
    def items(self) -> list[Item]:
        """What the guard reads of leads: never who it is."""
        shown = [lead for lead in self.cases.values() if not lead.silent]
        return [item for lead in shown if (item := self._item(lead)) is not None]

    def on_event(self, event: Event) -> list[Decision]:
        """Leads, likenesses, and what persons say of them."""
        match event:
            case IncidentChanged(kind=kind, stand=stand) if (
                kind in FACE_LEADS and stand is not Stand.ENDED
            ):
                self._begin(event)
            case FaceReview():
                self._review(event)
            case Ordered(name=CommandName.LEAD_VERDICT):
                return self._decide(event)
            case AckReceived(stage=Stage.CLOSED, alert_id=alert) if alert in self.cases:
                return self._closed(self.cases[alert], event)
            case GuardAnswered(about=str(about)) if about in self.cases:
                return self._answered(self.cases[about], event)
        return []

    def on_time(self, now: Stamp) -> list[Decision]:
        """Leads that nobody decided in time, and decided ones that are to be forgotten."""
        decisions: list[Decision] = []
        for lead in [c for c in self.cases.values() if self._due_ns(c) <= now.monotonic_ns]:
            if (lead.standing, Step.TIME) in TRANSITIONS:
                told = {"why": f"nobody decided within {self.config.wait_s:g} s"}
                decisions += self._move(lead, Step.TIME, now, told)
            else:
                self._forget(lead)
        return decisions

    def permit(self, order: Ordered) -> None:
        """Only of a lead of this gate and branch, and only what its standing allows."""
        args = LeadVerdict.model_validate(order.args)
        lead = self.cases.get(args.alert_id)
        if lead is None or lead.standing is Standing.REVIEW:
            raise RefusedError(Refusal.UNEXPECTED, f"no lead of this gate is {args.alert_id}")
        if lead.exercise is not order.exercise:
            of = "a drill" if lead.exercise else "the real world, and the command of a drill"
            raise RefusedError(Refusal.UNEXPECTED, f"the lead is of {of}")
        if (lead.standing, step_of(lead, args)) not in TRANSITIONS:
            by = f" by {', '.join(lead.persons)}" if lead.persons else ""
            raise RefusedError(Refusal.UNEXPECTED, f"the lead is {lead.standing}{by} already")

    def took(self, cmd_id: str) -> bool:
        """Whether a verdict was taken on."""
        return any(cmd_id in lead.cmds for lead in self.cases.values())

    def resume(self, cases: Mapping[str, Lead], now: Stamp) -> list[Decision]:  # noqa: ARG002
        """Go on with the leads of an earlier life."""
        self._reviews = {
            likeness_of(c): c.id for c in cases.values() if c.standing is Standing.REVIEW
        }
        self.cases.update(cases)
        return []

    def wipe(self, now: Stamp) -> None:
        """No lead waits any more."""
        self._reviews.clear()
        Way.wipe(self, now)

    def _begin(self, event: IncidentChanged) -> None:
        if event.alert is None or event.details.get("confirm") != "required":
            return
        entry, exercise = str(event.details["entry_id"]), event.status is Status.EXERCISE
        silent = event.details.get("silent") is True or self.knows.hushed(entry, exercise)
        self._add(
            Lead(
                event.alert,
                event.kind,
                event.status,
                event.device,
                event.where,
                entry,
                event.rule,
                silent,
                event.at,
                Standing.PENDING,
                event.at,
            )
        )

    def _review(self, event: FaceReview) -> None:
        """One at a time for each camera and entry; a crowd must not bury the guard's list."""
        seen = event.lead
        status = Status.EXERCISE if seen.exercise else Status.ACTUAL
        unknown = self.knows.instruction(seen.entry_id, seen.exercise) is None
        full = len(self._reviews) >= MOST_REVIEWS
        if (seen.camera, seen.entry_id, seen.exercise) in self._reviews or unknown or full:
            return
        if self.knows.taken(event) or not self.config.reviews:
            return
        kind, at = Kind.WATCHLIST_FACE, event.at
        head = (self.knows.new_id(), kind, status, seen.camera, "", seen.entry_id, "", False)
        lead = Lead(*head, at, Standing.REVIEW, at)
        self._reviews[likeness_of(lead)] = lead.id
        self._add(lead)

    def _decide(self, order: Ordered) -> list[Decision]:
        args = LeadVerdict.model_validate(order.args)
        lead = self.cases[args.alert_id]
        last = args.decisions[-1]
        step, persons = step_of(lead, args), persons_of(lead, args)
        if step is Step.REJECT:
            persons = (last.by,)
        lead = replace(lead, persons=persons, cmds=(*lead.cmds, order.cmd_id)[-8:])
        self.keep(lead.id, lead)
        told = {"by": list(persons), "reason": last.reason}
        return self._move(lead, step, order.at, told)

    def _closed(self, lead: Lead, event: AckReceived) -> list[Decision]:
        if (lead.standing, Step.CLOSE) not in TRANSITIONS:
            return []
        return self._move(lead, Step.CLOSE, event.at, {"by": [event.by]})

    def _move(
        self, lead: Lead, step: Step, now: Stamp, told: Mapping[str, object]
    ) -> list[Decision]:
        """Where *step* leads to, kept and told; a word that changes nothing is told of no more."""
        standing = TRANSITIONS[lead.standing, step]
        if standing is lead.standing:
            return []
        entry = "" if standing in DECIDED else lead.entry
        after_s = round((now.monotonic_ns - lead.since.monotonic_ns) / NS_PER_S, 1)
        self.keep(lead.id, replace(lead, standing=standing, moved=now, entry=entry))
        if not lead.exercise:
            self.tell(lead.standing, standing)
        if standing is Standing.OVER:
            return []
        details = {"alert": lead.id, "kind": lead.kind.value, "after_s": after_s, **told}
        sounding = self._sounding(lead) if standing is Standing.CONFIRMED else []
        return [*sounding, self._note(lead, f"lead.{standing}", now, details)]

    def _answered(self, lead: Lead, event: GuardAnswered) -> list[Decision]:
        if lead.standing is Standing.REVIEW:
            self._forget(lead)
            word = "confirmed" if event.answer is Answer.CONFIRM else "rejected"
            return [self._note(lead, f"review.{word}", event.at, {"who": event.who})]
        self.keep(lead.id, replace(lead, said=f"{event.answer} {event.who}"))
        details = {"alert": lead.id, "answer": event.answer.value, "who": event.who}
        return [self._note(lead, "lead.answered", event.at, details)]

    def _note(self, lead: Lead, kind: str, at: Stamp, details: Mapping[str, object]) -> Decision:
        return Note(at, kind, lead.camera, lead.where, details, lead.status)

    def _sounding(self, lead: Lead) -> list[Decision]:
        """The outputs of the rule that raised it; never in a drill, never when it is silent."""
        if lead.exercise or lead.silent:
            return []
        return [Actuate(name, Drive.ON) for name in self.knows.outputs.get(lead.rule, ())]

    def _item(self, lead: Lead) -> Item | None:
        place = self.knows.labels.get(lead.camera) or Label.model_construct(
            en=lead.camera, zh=lead.camera
        )
        answers: tuple[Answer, ...] = (Answer.SEEN,)
        if lead.standing in WAITING:
            text = wait_text(lead.kind, place)
        elif lead.standing is Standing.CONFIRMED:
            text = self._instruction(lead, place)
            answers = (Answer.SEEN, Answer.CANNOT)
        elif lead.standing is Standing.REVIEW:
            text = Text(
                f"{place.en}: a face may resemble an entry. Look, then confirm or reject",
                f"{place.zh}：疑似与名单条目相似，请现场查看后确认或否定",
            )
            answers = (Answer.CONFIRM, Answer.REJECT)
        else:
            return None
        return Item(lead.id, self.NAME, text, lead.since, answers, lead.status, lead.said)

    def _instruction(self, lead: Lead, place: Label) -> Text:
        told = self.knows.instruction(lead.entry, lead.exercise)
        told = told or Text("confirmed; ask the station what to do", "已核实，请询问派出所如何处置")
        return Text(f"{place.en}: {told.en}", f"{place.zh}：{told.zh}")

    def _add(self, lead: Lead) -> None:
        """Keep a new one; of too many, what is decided goes first, then the oldest."""
        if len(self.cases) >= MOST_KEPT:
            rank = {True: 0, False: 1}
            self._forget(
                min(
                    self.cases.values(),
                    key=lambda c: (rank[c.standing in DECIDED], c.since.monotonic_ns),
                )
            )
        self.keep(lead.id, lead)

    def _forget(self, lead: Lead) -> None:
        self._reviews.pop(likeness_of(lead), None)
        self.end(lead.id)

    def _due_ns(self, lead: Lead) -> int:
        if lead.standing is Standing.CONFIRMED:
            return lead.moved.monotonic_ns + SHOWN_NS
        if lead.standing in DECIDED:
            return lead.moved.monotonic_ns + KEPT_NS
        return lead.since.monotonic_ns + round(self.config.wait_s * NS_PER_S)
