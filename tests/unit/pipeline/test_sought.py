"""Orders that bring a face: refused by name, stored, shown to vision, deleted with proof."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.commands import Command, Ending
from agent.core.decisions import Close
from agent.core.errors import RefusedError
from agent.pipeline.sought import GALLERY_S, TEMPLATES_S
from contract.words import CommandName, Outcome, Refusal
from tests.support.signed import PHOTO, utc
from tests.support.sought import MADE, Gate, Slow
from tests.support.vision import ROW


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
    assert gate.recall(CommandName.TRACK_STOP, plan).outcome is Outcome.DONE
    assert (gate.hot.store.entries, gate.way.cases) == ((), {})


def test_a_start_that_was_cut_short_leaves_nothing(gate: Gate) -> None:
    gate.track()
    plan = gate.planned
    gate.life.keeper.cases.clear()
    gate.begin()
    assert gate.hot.store.entries == ()
    assert gate.recall(CommandName.TRACK_START, plan).outcome is Outcome.FAILED


def test_a_start_that_was_kept_is_done_after_the_restart(gate: Gate) -> None:
    gate.track()
    gate.begin()
    ended = gate.recall(CommandName.TRACK_START, gate.planned)
    assert (ended.outcome, ended.proof) == (Outcome.DONE, {"entry_id": "w-1"})
    gate.see()
    assert gate.sightings()[0].details["sequence"] == 1
