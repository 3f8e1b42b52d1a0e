"""Orders that bring a face or end it: checked, stored, shown to vision, and only then done.

The face never stands in the journal of commands, which is not sealed: its plan names the entry
alone, and the face goes straight into the hot list. Here: the four deeds, and what went by itself.
Not here: sightings (``agent.incidents.sought``), the list (``agent.watchlist.hot``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.core.answers import Ordered
from agent.core.clock import Clock, stamp
from agent.core.commands import Command, Deed, Ending, Finish, Plan
from agent.core.errors import RefusedError, StoreError
from agent.core.events import EntryGone, Event
from agent.core.ids import EntryId
from agent.incidents.sought import STARTS, STOPS, Hunt, Sought
from agent.pipeline.deeds import read_args
from agent.watchlist.entry import stored
from agent.watchlist.hot import HotList
from agent.watchlist.sought import SearchStart, SoughtStop, Start, TrackStart
from contract.words import CommandName, Outcome, Refusal, Status

TEMPLATES_S = 20.0
GALLERY_S = 10.0
_FORMS: Mapping[CommandName, type[TrackStart | SearchStart]] = {
    CommandName.TRACK_START: TrackStart,
    CommandName.SEARCH_START: SearchStart,
}


@dataclass(frozen=True, slots=True)
class Around:
    """What the deeds need. ``node`` is this gate's name; ``blind``: why no face is looked for."""

    node: str
    blind: str
    way: Sought
    hot: Callable[[], HotList | None]
    act: Callable[[Event], None]
    kept: Callable[[Callable[[], None]], None]
    later: Callable[[float, Callable[[], None]], object]
    clock: Clock


class SoughtDesk:
    """All four deeds, and the hot list's own news. Runs on the loop."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._waiting: dict[tuple[str, bool], Callable[[str], None]] = {}

    def deeds(self) -> Mapping[CommandName, Deed]:
        """By the name of the command."""
        starts = {name: StartDeed(name, self) for name in STARTS}
        return {**starts, **{name: StopDeed(name, self) for name in STOPS}}

    def attach(self, hot: HotList) -> None:
        """The hot list is open: what it and the way do not both know of is ended."""
        hot.on_gone = self._gone
        hot.on_made = lambda *entry: self._settled(entry, "")
        hot.searched.on_converted = lambda: self._converted(hot)
        if hot.store.closed:
            return
        cases = {(c.entry, c.status is Status.EXERCISE) for c in self._around.way.cases.values()}
        for entry in hot.store.entries:
            if (entry.entry_id, entry.exercise) not in cases:
                hot.remove(entry.entry_id, "gate", exercise=entry.exercise)
        for entry_id, exercise in cases:
            if hot.entry(entry_id, exercise=exercise) is None:
                self._gone(entry_id, exercise, "what was kept of it was lost")

    @property
    def around(self) -> Around:
        """What the deeds need."""
        return self._around

    def hot(self) -> HotList:
        """The hot list; RefusedError while it is closed."""
        found = self._around.hot()
        if found is None or found.store.closed:
            raise RefusedError(Refusal.UNSUPPORTED, "the hot list is closed")
        return found

    def ordered(self, command: Command, args: Mapping[str, object]) -> None:
        """Have the way hear of an order."""
        now = stamp(self._around.clock)
        self._around.act(
            Ordered(now, command.name, command.cmd_id, command.issuer, args, command.exercise)
        )

    def wait_for(self, entry: tuple[str, bool], done: Callable[[str], None]) -> None:
        """Call *done* with why when templates are made or refused, or it takes too long."""
        self._waiting[entry] = done
        self._around.later(TEMPLATES_S, lambda: self._settled(entry, ""))

    def _settled(self, entry: tuple[str, bool], why: str) -> None:
        done = self._waiting.pop(entry, None)
        if done is not None:
            done(why)

    def _converted(self, hot: HotList) -> None:
        for entry_id, exercise in list(self._waiting):
            if hot.templates(entry_id, exercise=exercise):
                self._settled((entry_id, exercise), "")

    def _gone(self, entry_id: str, exercise: bool, why: str) -> None:  # noqa: FBT001 - a key
        now = stamp(self._around.clock)
        self._around.act(EntryGone(now, EntryId(entry_id), exercise, why))
        self._settled((entry_id, exercise), why)


@dataclass(frozen=True, slots=True)
class StartDeed:
    """``track.start`` and ``search.start``."""

    name: CommandName
    desk: SoughtDesk
    in_drills: bool = True

    def plan(self, command: Command) -> Plan:
        """The entry's id, when this gate is meant, looks for faces, and does not do so already."""
        around, hot = self.desk.around, self.desk.hot()
        if around.blind:
            raise RefusedError(Refusal.UNSUPPORTED, around.blind)
        args = self._args(command)
        entry = args.entry
        if around.node not in args.nodes:
            raise RefusedError(Refusal.WRONG_NODE, f"args: nodes: {around.node} is not among them")
        hunt = around.way.hunt(entry.entry_id, command.exercise)
        if hunt is not None:
            detail = f"'{entry.entry_id}' is looked for since {hunt.began.utc} ({hunt.order})"
            raise RefusedError(Refusal.BUSY, detail)
        if entry.expires_ns <= hot.now_ns():
            detail = f"args: entry: '{entry.entry_id}' ended at {entry.expires_at}"
            raise RefusedError(Refusal.EXPIRED, detail)
        return _plan(command, entry.entry_id)

    def do(self, command: Command, _: Plan, finish: Finish) -> None:
        """Store the face, begin to look, and say what came of its photos."""
        args, hot = self._args(command), self.desk.hot()
        status = Status.EXERCISE if command.exercise else Status.ACTUAL
        entry = stored(args.entry, status)
        key = (entry.entry_id, command.exercise)
        try:
            hot.add(entry, command.issuer)
        except StoreError as error:
            finish(Ending(Outcome.FAILED, f"{Refusal.NOT_STORED}: {error}"))
            return
        self.desk.ordered(command, _told(args))

        def done(refused: str) -> None:
            if refused:
                finish(Ending(Outcome.FAILED, f"no photo can be used: {refused}"))
            else:
                proof = _proof(hot, *key)
                self.desk.around.kept(lambda: finish(Ending(Outcome.DONE, "", proof)))

        coming = entry.photos or hot.searched.can_be_searched(entry)
        if hot.searched.here and coming and not hot.templates(key[0], exercise=key[1]):
            self.desk.wait_for(key, done)
        else:
            done("")

    def recall(self, plan: Plan, finish: Finish) -> None:
        """It is at work, or nothing of it is left."""
        if self.desk.around.way.took(str(plan["cmd_id"])):
            finish(Ending(Outcome.DONE, "", {"entry_id": plan["entry_id"]}))
            return
        reason = "the agent ended before it was taken on; nothing is kept"
        finish(Ending(Outcome.FAILED, reason))

    def _args(self, command: Command) -> TrackStart | SearchStart:
        return read_args(_FORMS[self.name], command)


@dataclass(frozen=True, slots=True)
class StopDeed:
    """``track.stop`` and ``search.stop``: deleted everywhere, and shown to be."""

    name: CommandName
    desk: SoughtDesk
    in_drills: bool = True

    def plan(self, command: Command) -> Plan:
        """The entry's id, when it is looked for by an order of this kind."""
        self.desk.hot()
        entry_id = read_args(SoughtStop, command).entry_id
        hunt = self.desk.around.way.hunt(entry_id, command.exercise)
        if hunt is None:
            raise RefusedError(Refusal.UNEXPECTED, f"nobody is looked for here as '{entry_id}'")
        if hunt.manner is not STOPS[self.name]:
            detail = (
                f"'{entry_id}' is looked for by {hunt.order}.start; end it by {hunt.order}.stop"
            )
            raise RefusedError(Refusal.UNEXPECTED, detail)
        return _plan(command, entry_id)

    def do(self, command: Command, _: Plan, finish: Finish) -> None:
        """Delete the face here and in vision's memory."""
        args, hot, around = read_args(SoughtStop, command), self.desk.hot(), self.desk.around
        hunt = around.way.hunt(args.entry_id, command.exercise)
        try:
            gone = hot.remove(args.entry_id, args.by, exercise=command.exercise)
        except StoreError as error:
            finish(Ending(Outcome.FAILED, f"{Refusal.NOT_STORED}: {error}"))
            return
        self.desk.ordered(command, args.model_dump(mode="json"))
        templates = 0 if gone is None else sum(map(len, gone.templates.values()))
        proof = {"entry_id": args.entry_id, "templates": templates, **_so_far(hunt)}

        def settled(gallery: str) -> None:
            outcome = Outcome.FAILED if gallery == "not confirmed" else Outcome.DONE
            reason = "vision did not say that it forgot" if outcome is Outcome.FAILED else ""
            told = {**proof, "deleted": {"store": True, "gallery": gallery}}
            around.kept(lambda: finish(Ending(outcome, reason, told)))

        if hot.searched.settle(lambda: settled("confirmed")):
            around.later(GALLERY_S, lambda: settled("not confirmed"))
        else:
            settled("vision is not here")

    def recall(self, plan: Plan, finish: Finish) -> None:
        """Deleting twice does no harm, so a stop that was cut short is finished."""
        around, hot = self.desk.around, self.desk.around.hot()
        entry_id, exercise = str(plan["entry_id"]), bool(plan["exercise"])
        if hot is None:
            finish(Ending(Outcome.UNKNOWN, "the hot list is closed"))
            return
        try:
            hot.remove(entry_id, "station", exercise=exercise)
        except StoreError as error:
            finish(Ending(Outcome.FAILED, f"{Refusal.NOT_STORED}: {error}"))
            return
        now = stamp(around.clock)
        around.act(EntryGone(now, EntryId(entry_id), exercise, "stopped, over a restart"))
        proof = {"entry_id": entry_id, "deleted": {"store": True, "gallery": "begun anew"}}
        finish(Ending(Outcome.DONE, "", proof))


def _plan(command: Command, entry_id: str) -> Plan:
    return {"cmd_id": command.cmd_id, "entry_id": entry_id, "exercise": command.exercise}


def _told(args: TrackStart | SearchStart) -> Mapping[str, object]:
    """What the way may know of an order: everything but the face."""
    entry = args.entry
    plain = args.model_dump(mode="json", include=set(Start.model_fields))
    about = {"entry_id": entry.entry_id, "list": entry.on_list, "expires_at": entry.expires_at}
    return {**plain, **about, "silent": args.silent}


def _proof(hot: HotList, entry_id: str, exercise: bool) -> Mapping[str, object]:  # noqa: FBT001
    off = hot.searched.faces_off
    shown = hot.searched.shows(entry_id, exercise=exercise) and not off
    proof: dict[str, object] = {
        "entry_id": entry_id,
        "templates": hot.templates(entry_id, exercise=exercise),
        "searched": shown,
    }
    if not shown:
        here = hot.searched.here
        wants = "its time, or templates" if here else "the vision program"
        proof["waits_for"] = "the end of face.off" if off else wants
    elif hot.searched.review_only and not exercise:
        proof["review_only"] = True
    return proof


def _so_far(hunt: Hunt | None) -> Mapping[str, object]:
    told = {} if hunt is None else dataclasses.asdict(hunt)
    return {"sightings": told.get("n", 0)}
