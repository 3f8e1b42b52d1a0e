"""What the cameras say: leads that a person confirms, cameras that see nothing."""

from __future__ import annotations

import dataclasses

import pytest

from agent.core.clock import ManualClock
from agent.core.events import CameraChanged, CameraState, FaceLead
from agent.core.ids import CameraName, EntryId
from agent.incidents.book import IncidentBook
from contract.validate import schema_problems
from contract.words import Kind, ListName, Status
from rules.watch import CameraRule, WatchlistRule
from tests.support.rulebook import PLACE, driven, manner, the_raise, the_resolve
from tests.support.samples import Numbers, at

CAMERAS = {"north": PLACE, "south": PLACE}
OK, LOST = CameraState.OK, CameraState.LOST
FROZEN, DARK = CameraState.FROZEN, CameraState.DARK


def lead(clock: ManualClock, entry_id: str = "w-17", *, exercise: bool = False) -> FaceLead:
    return FaceLead(
        at=at(clock),
        camera=CameraName("north"),
        track=7,
        entry_id=EntryId(entry_id),
        exercise=exercise,
        score=0.612345,
        threshold=0.500049,
        margin=0.10009,
        frames=3,
        quality=0.81239,
        model_id="dlib-resnet",
    )


def watchlist(**chosen: list[str]) -> WatchlistRule:
    listed = {"w-17": ListName.WANTED, "m-3": ListName.MISSING}
    return WatchlistRule(
        manner(Kind.WATCHLIST_FACE, cooldown_s=300, outputs=("siren-1",)),
        CAMERAS,
        list_of=lambda entry_id, _: listed.get(entry_id),
        chosen=chosen.get("cameras", ()),
    )


def test_a_lead_carries_exactly_what_the_contract_allows(clock: ManualClock) -> None:
    told = the_raise(watchlist().on_event(lead(clock)))
    assert told.details == {
        "entry_id": "w-17",
        "list": "wanted",
        "score": 0.6123,
        "threshold": 0.5,
        "margin": 0.1001,
        "frames": 3,
        "quality": 0.812,
        "model_id": "dlib-resnet",
        "camera": "north",
        "confirm": "required",
    }
    assert (told.device, told.kind) == ("north", Kind.WATCHLIST_FACE)


@pytest.mark.parametrize("liveness", ["pass", "refuse", "undecided"])
def test_a_lead_says_what_was_made_of_liveness_and_is_never_dropped(
    clock: ManualClock, liveness: str
) -> None:
    plain = the_raise(watchlist().on_event(lead(clock)))
    told = the_raise(watchlist().on_event(dataclasses.replace(lead(clock), liveness=liveness)))
    assert told.details == {**plain.details, "liveness": liveness}
    assert (told.severity, told.kind, told.status) == (plain.severity, plain.kind, plain.status)
    assert schema_problems("face-lead", dict(told.details)) == []


def test_nothing_of_a_lead_is_a_name_a_picture_or_a_template(clock: ManualClock) -> None:
    told = the_raise(watchlist().on_event(lead(clock)))
    assert not any(isinstance(value, bytes | list | dict) for value in told.details.values())
    assert not {"name", "image", "photo", "face", "template", "vector"} & set(told.details)
    assert max(len(str(value)) for value in told.details.values()) < 64


def test_a_single_entry_has_no_margin(clock: ManualClock) -> None:
    event = dataclasses.replace(lead(clock), margin=None)
    assert the_raise(watchlist().on_event(event)).details["margin"] is None


def test_the_list_is_the_entrys(clock: ManualClock) -> None:
    assert the_raise(watchlist().on_event(lead(clock, "m-3"))).details["list"] == "missing"


def test_an_entry_that_is_over_or_unknown_is_no_lead(clock: ManualClock) -> None:
    assert watchlist().on_event(lead(clock, "w-99")) == []


def test_a_lead_of_a_drill_is_an_exercise_and_sounds_nothing(clock: ManualClock) -> None:
    decisions = watchlist().on_event(lead(clock, exercise=True))
    assert the_raise(decisions).status is Status.EXERCISE
    assert driven(decisions) == []


def test_a_lead_sounds_nothing_before_it_is_confirmed(clock: ManualClock) -> None:
    assert driven(watchlist().on_event(lead(clock))) == []


def test_a_drill_never_holds_back_the_real_thing(clock: ManualClock) -> None:
    rule, book = watchlist(), IncidentBook(Numbers().new)
    assert book.raised(the_raise(rule.on_event(lead(clock, exercise=True)))) is not None
    clock.advance(1)
    real = book.raised(the_raise(rule.on_event(lead(clock))))
    assert real is not None
    assert real.cause.status is Status.ACTUAL
    assert book.open_count == 2


def test_one_person_before_two_cameras_is_one_incident(clock: ManualClock) -> None:
    rule = watchlist()
    south = dataclasses.replace(lead(clock), camera=CameraName("south"))
    keys = {the_raise(rule.on_event(event)).key for event in (lead(clock), south)}
    assert keys == {"watchlist.face:w-17"}


def test_only_the_chosen_cameras_are_heard(clock: ManualClock) -> None:
    rule = watchlist(cameras=["south"])
    assert rule.on_event(lead(clock)) == []
    unknown = dataclasses.replace(lead(clock), camera=CameraName("elsewhere"))
    assert watchlist().on_event(unknown) == []


def camera(clock: ManualClock, state: CameraState, name: str = "north") -> CameraChanged:
    return CameraChanged(at(clock), CameraName(name), state, "no frame for 10 s")


@pytest.mark.parametrize(
    ("kind", "bad", "sentence"),
    [
        (Kind.CAMERA_LOST, LOST, "No picture: Guard desk"),
        (Kind.CAMERA_BLIND, FROZEN, "Camera sees nothing useful: Guard desk"),
        (Kind.CAMERA_BLIND, DARK, "Camera sees nothing useful: Guard desk"),
    ],
)
def test_a_bad_camera_is_told_until_it_is_well(
    clock: ManualClock, kind: Kind, bad: CameraState, sentence: str
) -> None:
    rule = CameraRule(manner(kind), CAMERAS)
    told = the_raise(rule.on_event(camera(clock, bad)))
    assert (told.kind, told.text.en) == (kind, sentence)
    assert told.details == {"state": bad.value, "reason": "no frame for 10 s"}
    end = the_resolve(rule.on_event(camera(clock, OK)))
    assert (end.key, end.text.en) == (told.key, "Picture is back: Guard desk")
    assert rule.on_event(camera(clock, OK)) == []


@pytest.mark.parametrize(
    ("kind", "other"),
    [(Kind.CAMERA_LOST, FROZEN), (Kind.CAMERA_LOST, DARK), (Kind.CAMERA_BLIND, LOST)],
)
def test_each_rule_leaves_the_others_faults_alone(
    clock: ManualClock, kind: Kind, other: CameraState
) -> None:
    assert CameraRule(manner(kind), CAMERAS).on_event(camera(clock, other)) == []


@pytest.mark.parametrize(
    ("kind", "states"),
    [(Kind.CAMERA_LOST, (LOST, FROZEN)), (Kind.CAMERA_BLIND, (DARK, LOST))],
)
def test_a_camera_that_goes_from_bad_to_worse_is_not_said_to_be_back(
    clock: ManualClock, kind: Kind, states: tuple[CameraState, CameraState]
) -> None:
    rule = CameraRule(manner(kind), CAMERAS)
    the_raise(rule.on_event(camera(clock, states[0])))
    assert rule.on_event(camera(clock, states[1])) == []
    the_resolve(rule.on_event(camera(clock, OK)))


def test_cameras_are_followed_one_by_one(clock: ManualClock) -> None:
    rule = CameraRule(manner(Kind.CAMERA_LOST), CAMERAS)
    rule.on_event(camera(clock, LOST, "north"))
    assert rule.on_event(camera(clock, OK, "south")) == []
    assert rule.on_event(camera(clock, LOST, "elsewhere")) == []
