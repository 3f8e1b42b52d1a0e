"""Orders that bring a face: refused by name, stored, shown to vision, deleted with proof."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from agent.config.schema.answering import SoughtConfig
from agent.core.clock import ManualClock, stamp
from agent.core.commands import Command, Ending
from agent.core.decisions import Close, Decision, Note, Raise
from agent.core.errors import RefusedError
from agent.core.events import Event, FaceLead, FaceReview
from agent.core.ids import CameraName, EntryId
from agent.incidents.book import IncidentBook
from agent.incidents.sought import Sought
from agent.pipeline.sought import GALLERY_S, TEMPLATES_S, Around, SoughtDesk
from agent.watchlist.hot import HotList
from agent.watchlist.service import Watchlist
from agent.watchlist.store import WatchlistStore
from contract.words import CommandName, Kind, Outcome, Refusal, Severity, Status
from tests.support.audit import Recorder
from tests.support.rulebook import PLACE
from tests.support.samples import ADDRESS, Numbers
from tests.support.signed import PHOTO, TRUSTED, listed, template, utc, watchlist
from tests.support.timers import Timers
from tests.support.vision import OTHER, ROW, RecordingVision
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


@pytest.fixture
def gate(tmp_path: Path, clock: ManualClock) -> Gate:
    return Gate(tmp_path, clock)


def test_photos_become_templates_before_it_is_done(gate: Gate) -> None:
    gate.lists.vision_up(gate.vision, "dlib")
    ended = gate.track()
    assert ended == [], "the photos are being looked at"
    gate.vision.answer(ROW)
    assert ended[0] == Ending(
        Outcome.DONE, "", {"entry_id": "w-1", "templates": 1, "searched": True}
    )
    assert gate.vision.searched == ["w-1"]
    ((kind, told),) = gate.notes()
    assert (kind, told["entry_id"], told["silent"]) == ("track.started", "w-1", False)


def test_the_face_stands_in_no_plan_and_in_no_case(gate: Gate) -> None:
    gate.track()
    photo = base64.b64encode(PHOTO).decode()
    assert gate.planned == {"cmd_id": "cmd-00000001", "entry_id": "w-1", "exercise": False}
    assert photo not in str(gate.life.keeper.cases) + str(gate.decisions)


def test_photos_that_cannot_be_used_fail_the_order_and_nothing_is_kept(gate: Gate) -> None:
    gate.lists.vision_up(gate.vision, "dlib")
    ended = gate.track()
    gate.vision.answer(refused=["no face was found"])
    assert ended[0].outcome is Outcome.FAILED
    assert "no face was found" in ended[0].reason
    assert gate.hot.entry("w-1", exercise=False) is None
    assert gate.way.cases == {}
    assert gate.notes()[-1][1]["why"] == "photo 1: no face was found"


def test_without_vision_it_waits_and_says_so(gate: Gate) -> None:
    (ended,) = gate.track()
    assert ended.proof == {
        "entry_id": "w-1",
        "templates": 0,
        "searched": False,
        "waits_for": "the vision program",
    }


def test_a_vision_that_does_not_answer_does_not_hold_the_answer_back(gate: Gate) -> None:
    gate.lists.vision_up(gate.vision, "dlib")
    ended = gate.track()
    gate.timers.wait(TEMPLATES_S)
    assert ended[0].outcome is Outcome.DONE
    assert ended[0].proof is not None
    assert ended[0].proof["searched"] is False


def test_a_pack_for_review_only_is_told_to_who_ordered(gate: Gate) -> None:
    gate.vision.review_only = True
    gate.lists.vision_up(gate.vision, "dlib")
    (ended,) = gate.track(**MADE)
    assert ended.proof is not None
    assert ended.proof["review_only"] is True


def test_faces_that_are_off_are_told_to_who_ordered(gate: Gate) -> None:
    gate.vision.faces_off = True
    gate.lists.vision_up(gate.vision, "dlib")
    (ended,) = gate.track(**MADE)
    assert ended.proof is not None
    assert (ended.proof["searched"], ended.proof["waits_for"]) == (False, "the end of face.off")


@pytest.mark.parametrize(
    ("fields", "reason", "text"),
    [
        ({"legal_basis": ...}, Refusal.MALFORMED, "entry.legal_basis: Field required"),
        ({"case_reference": ...}, Refusal.MALFORMED, "entry.case_reference"),
        ({"approvers": ["A", "A"]}, Refusal.MALFORMED, "two different people"),
        ({"photos": ...}, Refusal.MALFORMED, "neither 'photos' nor 'templates'"),
        ({"name": "somebody"}, Refusal.MALFORMED, "entry.name"),
        ({"nodes": ["cancheng.liya-garden.gate-2"]}, Refusal.WRONG_NODE, "not among them"),
        ({"nodes": []}, Refusal.MALFORMED, "nodes"),
    ],
)
def test_what_lacks_something_is_refused_by_its_name(
    gate: Gate, fields: dict[str, Any], reason: Refusal, text: str
) -> None:
    with pytest.raises(RefusedError, match=text) as refused:
        gate.track(**fields)
    assert refused.value.reason == reason
    assert gate.hot.store.entries == ()


def test_what_is_over_already_is_refused(gate: Gate) -> None:
    old: dict[str, Any] = {
        "not_before": utc(gate.clock, -7200),
        "expires_at": utc(gate.clock, -3600),
    }
    with pytest.raises(RefusedError, match="'w-1' ended at") as refused:
        gate.track(**old)
    assert refused.value.reason == Refusal.EXPIRED


def test_a_second_start_and_a_stop_of_nobody_are_told(gate: Gate) -> None:
    gate.track()
    with pytest.raises(RefusedError, match="'w-1' is looked for since") as refused:
        gate.track()
    assert refused.value.reason == Refusal.BUSY
    with pytest.raises(RefusedError, match="nobody is looked for here as 'w-9'"):
        gate.stop(CommandName.TRACK_STOP, "w-9")
    with pytest.raises(RefusedError, match=r"end it by track\.stop"):
        gate.stop(CommandName.SEARCH_STOP, "w-1")
    with pytest.raises(RefusedError, match="nobody is looked for"):
        gate.stop(CommandName.TRACK_STOP, "w-1", drill=True)


def test_a_gate_without_eyes_refuses(gate: Gate) -> None:
    gate.blind = "faces are off"
    gate.begin()
    with pytest.raises(RefusedError, match="faces are off") as refused:
        gate.track()
    assert refused.value.reason == Refusal.UNSUPPORTED


def test_each_sighting_goes_up_with_its_number_and_direction(gate: Gate) -> None:
    gate.track(silent=True)
    gate.see()
    gate.clock.advance(3)
    gate.see()
    gate.see(camera="south")
    gate.begin()
    gate.clock.advance(8)
    gate.see()
    told = gate.sightings()
    assert [(d.device, d.details["sequence"]) for d in told] == [
        ("north", 1),
        ("south", 2),
        ("north", 3),
    ]
    first = told[0]
    assert (first.kind, first.severity, first.status) == (
        Kind.TRACK_SIGHTING,
        Severity.MAJOR,
        Status.ACTUAL,
    )
    assert {n: first.details[n] for n in ("direction", "silent", "lower_threshold", "confirm")} == {
        "direction": "left",
        "silent": True,
        "lower_threshold": False,
        "confirm": "required",
    }
    assert len({d.key for d in told}) == 1, "one incident"
    book = IncidentBook(Numbers().new)
    assert book.raised(first) is not None
    assert (book.open_count, book.shown_incidents) == (1, {}), "silent: not even in the status"
    gate.see("w-2")
    assert len(gate.sightings()) == 3, "nobody ordered that one"


@pytest.mark.parametrize(
    ("lower", "held", "up"), [(True, False, 1), (True, True, 0), (False, False, 0)]
)
def test_a_likeness_goes_up_only_where_the_order_says_so(
    gate: Gate, lower: bool, held: bool, up: int
) -> None:
    gate.track(lower_threshold=lower)
    review = FaceReview(stamp(gate.clock), gate.lead("w-1"), held)
    gate.act(review)
    assert [d.details["lower_threshold"] for d in gate.sightings()] == [True] * up
    assert gate.way.takes(review) is bool(up)


def test_a_stop_deletes_everywhere_and_proves_it(gate: Gate) -> None:
    vision = Slow()
    gate.lists.vision_up(vision, "dlib")
    gate.track(**MADE)
    gate.see()
    file = (gate.folder / "hotlist.json").read_bytes()
    ended = gate.stop(CommandName.TRACK_STOP, "w-1")
    assert ended == [], "vision has not said that it forgot"
    assert vision.searched == []
    assert len((gate.folder / "hotlist.json").read_bytes()) < len(file)
    vision.settling()
    assert ended == [
        Ending(
            Outcome.DONE,
            "",
            {
                "entry_id": "w-1",
                "templates": 1,
                "sightings": 1,
                "deleted": {"store": True, "gallery": "confirmed"},
            },
        )
    ]
    assert isinstance(gate.decisions[-1], Close)
    gate.see()
    assert len(gate.sightings()) == 1
    assert gate.life.keeper.cases["sought"] == {}


def test_a_vision_that_does_not_say_so_fails_the_stop(gate: Gate) -> None:
    gate.lists.vision_up(Slow(), "dlib")
    gate.track(**MADE)
    ended = gate.stop(CommandName.TRACK_STOP, "w-1")
    gate.timers.wait(GALLERY_S)
    assert (ended[0].outcome, ended[0].reason) == (
        Outcome.FAILED,
        "vision did not say that it forgot",
    )
    assert gate.hot.store.entries == ()


def test_a_stop_that_was_cut_short_is_finished_after_the_restart(gate: Gate) -> None:
    gate.track()
    deed = gate.deeds[CommandName.TRACK_STOP]
    args = {"entry_id": "w-1", "by": "desk-3", "reason": "over"}
    plan = deed.plan(Command("cmd-2", CommandName.TRACK_STOP, "cancheng", args))
    gate.begin()
    assert gate.deeds[CommandName.TRACK_STOP].recall(plan).outcome is Outcome.DONE
    assert (gate.hot.store.entries, gate.way.cases) == ((), {})


def test_a_start_that_was_cut_short_leaves_nothing(gate: Gate) -> None:
    gate.track()
    plan = gate.planned
    gate.life.keeper.cases.clear()
    gate.begin()
    assert gate.hot.store.entries == ()
    assert gate.deeds[CommandName.TRACK_START].recall(plan).outcome is Outcome.FAILED


def test_a_start_that_was_kept_is_done_after_the_restart(gate: Gate) -> None:
    gate.track()
    gate.begin()
    ended = gate.deeds[CommandName.TRACK_START].recall(gate.planned)
    assert (ended.outcome, ended.proof) == (Outcome.DONE, {"entry_id": "w-1"})
    gate.see()
    assert gate.sightings()[0].details["sequence"] == 1


def test_an_order_whose_face_was_lost_ends_aloud(gate: Gate) -> None:
    gate.track()
    (gate.folder / "hotlist.json").unlink()
    gate.begin()
    kind, told = gate.notes()[-1]
    assert (kind, told["why"]) == ("track.ended", "what was kept of it was lost")


def test_what_is_over_is_deleted_without_a_network(gate: Gate) -> None:
    gate.search()
    gate.clock.advance(71 * HOURS_S)
    gate.lists.expire()
    assert len(gate.way.cases) == 1
    gate.clock.advance(HOURS_S)
    gate.lists.expire()
    assert (gate.hot.store.entries, gate.way.cases) == ((), {})
    kind, told = gate.notes()[-1]
    assert (kind, told["why"]) == ("search.ended", "expired")


def test_a_wipe_ends_everything(gate: Gate) -> None:
    gate.track()
    gate.search()
    gate.lists.wipe()
    assert (gate.hot.store.entries, gate.way.cases) == ((), {})


def test_a_missing_person_is_told_mildly_and_urgently(gate: Gate) -> None:
    gate.search()
    gate.see("m-1")
    (told,) = gate.sightings()
    assert (told.kind, told.severity, told.details["list"]) == (
        Kind.MISSING_SIGHTING,
        Severity.MINOR,
        "missing",
    )
    words = (told.text.en + told.text.zh).lower()
    assert not [w for w in ("suspect", "wanted", "criminal", "嫌疑", "通缉", "布控") if w in words]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"consent": ...}, "needs 'consent', or 'authority' and 'case_reference'"),
        ({"consent": ..., "authority": "Cancheng PSB"}, "needs 'consent'"),
        ({"list": "wanted"}, "entry.list"),
        ({"instruction": ...}, "entry.instruction"),
    ],
)
def test_a_search_rests_on_consent_or_on_an_order(
    gate: Gate, fields: dict[str, Any], text: str
) -> None:
    with pytest.raises(RefusedError, match=text):
        gate.search(**fields)


def test_a_search_by_an_authority_is_as_good(gate: Gate) -> None:
    gate.search(consent=..., authority="Cancheng PSB", case_reference="M-4")
    entry = gate.hot.entry("m-1", exercise=False)
    assert entry is not None
    assert entry.facts["legal_basis"] == "order of the authority"


def test_a_search_lasts_72_hours_at_most(gate: Gate) -> None:
    with pytest.raises(RefusedError, match="within 72 h after"):
        gate.search(expires_at=utc(gate.clock, 72 * HOURS_S + 1))


def test_somebody_listed_and_followed_is_one_row(gate: Gate) -> None:
    gate.lists.vision_up(gate.vision, "dlib")
    both: dict[str, Any] = {**MADE, "templates": [template("dlib", OTHER)]}
    gate.lists.apply(watchlist(gate.clock, [listed(gate.clock, **MADE)]), drill=None)
    gate.track(**both)
    rows, matrix = gate.vision.galleries[-1]
    assert [(row.entry_id, row.templates) for row in rows] == [("w-1", 2)]
    assert matrix == ROW + OTHER


def test_a_drill_and_the_real_thing_do_not_touch(gate: Gate) -> None:
    gate.track(drill=True, **MADE)
    gate.see(drill=False)
    assert gate.sightings() == []
    gate.see(drill=True)
    assert gate.sightings()[0].status is Status.EXERCISE
    gate.track(**MADE)
    assert len(gate.way.cases) == 2
