"""A gate's hot list, its way and its deeds on a folder, over restarts; vision answers when told."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from agent.config.schema.answering import SoughtConfig
from agent.core.clock import ManualClock, stamp
from agent.core.commands import Command, Ending, Plan
from agent.core.decisions import Decision, Note, Raise
from agent.core.events import Event, FaceLead
from agent.core.ids import CameraName, EntryId
from agent.incidents.sought import Sought
from agent.pipeline.sought import Around, SoughtDesk
from agent.watchlist.hot import HotList
from agent.watchlist.service import Watchlist
from agent.watchlist.store import WatchlistStore
from contract.words import CommandName
from tests.support.audit import Recorder
from tests.support.rulebook import PLACE
from tests.support.samples import ADDRESS
from tests.support.signed import PHOTO, TRUSTED, listed, template, utc
from tests.support.timers import Timers
from tests.support.vision import ROW, RecordingVision
from tests.support.ways import Life

NODE = ADDRESS.client_id
HOURS_S = 3600.0
MADE: dict[str, Any] = {"photos": ..., "templates": [template("dlib", ROW)]}


class Slow(RecordingVision):
    """Vision that says only when told that a gallery is in use."""

    def settle(self, done: Any) -> None:
        self.settling = done


class Gate:
    """A gate's hot list, its way and the deeds, over restarts."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.folder, self.clock = folder, clock
        self.audit = Recorder()
        self.timers = Timers(clock)
        self.vision = RecordingVision()
        self.decisions: list[Decision] = []
        self.blind = ""
        self.life = Life([], clock)
        self.begin()

    def begin(self) -> None:
        """A life of the agent begins."""
        self.way = Sought(SoughtConfig(), {"north": PLACE, "south": PLACE})
        self.life.begin([self.way])
        self.lists = Watchlist(
            WatchlistStore(self.folder / "watchlist.json"),
            TRUSTED,
            ADDRESS,
            self.clock,
            on_change=lambda _: None,
            audit=self.audit,
            hot=WatchlistStore(self.folder / "hotlist.json"),
        )
        around = Around(
            NODE,
            self.blind,
            self.way,
            lambda: self.lists.hot,
            self.act,
            lambda done: done(),
            self.timers.later,
            self.clock,
        )
        self.desk = SoughtDesk(around)
        self.deeds = self.desk.deeds()
        self.desk.attach(self.hot)

    @property
    def hot(self) -> HotList:
        assert self.lists.hot is not None
        return self.lists.hot

    def act(self, event: Event) -> None:
        """As the dispatcher does."""
        self.decisions += self.life.hear(event)

    def order(self, name: CommandName, *, drill: bool = False, **args: Any) -> list[Ending]:
        """Ask, then do; how it ended, once it has."""
        command = Command("cmd-00000001", name, "cancheng", args, drill)
        endings: list[Ending] = []
        self.planned = self.deeds[name].plan(command)
        self.deeds[name].do(command, self.planned, endings.append)
        return endings

    def recall(self, name: CommandName, plan: Plan) -> Ending:
        """What can be said of an order that a restart cut short."""
        endings: list[Ending] = []
        self.deeds[name].recall(plan, endings.append)
        return endings[0]

    def track(self, *, drill: bool = False, **fields: Any) -> list[Ending]:
        """``track.start``; fields of the entry, or of the order."""
        orders = {"nodes", "silent", "lower_threshold"} & set(fields)
        own: dict[str, Any] = {name: fields.pop(name) for name in orders}
        entry = listed(self.clock, **fields)
        args: dict[str, Any] = {"entry": entry, "nodes": [NODE], "by": "desk-3", "reason": "fled"}
        args |= own
        return self.order(CommandName.TRACK_START, drill=drill, **args)

    def search(self, **fields: Any) -> list[Ending]:
        """``search.start`` of somebody who is missed."""
        entry: dict[str, Any] = {
            "entry_id": "m-1",
            "list": "missing",
            "consent": "form 2026-11-21/4, signed by the son",
            "not_before": utc(self.clock),
            "expires_at": utc(self.clock, 72 * HOURS_S),
            "instruction": {"en": "Stay with her. Call.", "zh": "陪伴并立即报告。"},
            "photos": [base64.b64encode(PHOTO).decode()],
        }
        whole = {n: v for n, v in {**entry, **fields}.items() if v is not ...}
        return self.order(
            CommandName.SEARCH_START, entry=whole, nodes=[NODE], by="desk-3", reason="lost"
        )

    def stop(self, name: CommandName, entry_id: str, *, drill: bool = False) -> list[Ending]:
        """The order ends."""
        return self.order(
            name, drill=drill, entry_id=entry_id, by="desk-3", reason="found", found=True
        )

    def notes(self) -> list[tuple[str, dict[str, object]]]:
        """Facts told so far."""
        return [(d.kind, dict(d.details)) for d in self.decisions if isinstance(d, Note)]

    def sightings(self) -> list[Raise]:
        """Leads told so far."""
        return [d for d in self.decisions if isinstance(d, Raise)]

    def see(self, entry_id: str = "w-1", camera: str = "north", *, drill: bool = False) -> None:
        """A lead of vision's."""
        self.act(self.lead(entry_id, camera, drill=drill))

    def lead(self, entry_id: str, camera: str = "north", *, drill: bool = False) -> FaceLead:
        """What vision says."""
        head = (stamp(self.clock), CameraName(camera), 7, EntryId(entry_id), drill)
        return FaceLead(*head, 0.7, 0.65, 0.1, 3, 0.8, "dlib", "left")
