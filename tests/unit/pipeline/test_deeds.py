"""Deeds that are over at once: what they ask for, what they change, what is said after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.core.commands import Command, Deed, Ending, Plan
from agent.core.errors import RefusedError
from agent.pipeline.deeds import FaceSwitch, Telling
from agent.pipeline.switches import Switches
from contract.words import CommandName, Outcome, Refusal


def asked(name: CommandName = CommandName.FACE_OFF, **args: Any) -> Command:
    return Command("cmd-00000001", name, "cancheng", args)


def done(deed: Deed, command: Command) -> Ending:
    ends: list[Ending] = []
    deed.do(command, deed.plan(command), ends.append)
    (ending,) = ends
    return ending


def recalled(deed: Deed, plan: Plan) -> Ending:
    ends: list[Ending] = []
    deed.recall(plan, ends.append)
    (ending,) = ends
    return ending


def test_telling_takes_any_arguments_and_leaves_no_trace() -> None:
    deed = Telling(lambda: {"healthy": True})
    assert done(deed, asked(why="x")) == Ending(Outcome.DONE, "", {"healthy": True})
    assert recalled(deed, {}).outcome is Outcome.UNKNOWN
    assert deed.in_drills


class Faces:
    """The switch on a folder, with what vision was told."""

    def __init__(self, folder: Path, *, fixed: bool = False) -> None:
        self.told: list[bool] = []
        self.switches = Switches(folder / "switches.json")
        self.deed = FaceSwitch(lambda: fixed or self.switches.face_off, self._switch, fixed=fixed)

    def _switch(self, off: bool) -> None:
        self.switches.set_face_off(off=off)
        self.told.append(off)


def test_faces_go_off_and_on_durably(tmp_path: Path) -> None:
    faces = Faces(tmp_path)
    assert done(faces.deed, asked()).proof == {"face_off": True}
    assert Faces(tmp_path).switches.face_off
    assert done(faces.deed, asked(off=False, by="desk", reason="over")).proof == {"face_off": False}
    assert not Faces(tmp_path).switches.face_off
    assert faces.told == [True, False]
    assert not faces.deed.in_drills


def test_a_site_whose_file_says_off_stays_off(tmp_path: Path) -> None:
    faces = Faces(tmp_path, fixed=True)
    with pytest.raises(RefusedError) as refused:
        faces.deed.plan(asked(off=False))
    assert refused.value.reason is Refusal.UNSUPPORTED
    assert done(faces.deed, asked()).proof == {"face_off": True}


@pytest.mark.parametrize("args", [{"off": 1}, {"off": None}, {"on": True}])
def test_arguments_that_mean_nothing_are_refused(tmp_path: Path, args: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        Faces(tmp_path).deed.plan(asked(**args))
    assert refused.value.reason is Refusal.MALFORMED


def test_a_switch_that_cannot_be_stored_is_not_moved(tmp_path: Path) -> None:
    faces = Faces(tmp_path / "none")
    ending = done(faces.deed, asked())
    assert (ending.outcome, ending.proof) == (Outcome.FAILED, {"face_off": False})
    assert faces.told == []


def test_after_a_crash_the_switch_tells_by_itself(tmp_path: Path) -> None:
    faces = Faces(tmp_path)
    assert recalled(faces.deed, {"off": True}).outcome is Outcome.FAILED
    faces.switches.set_face_off(off=True)
    assert recalled(faces.deed, {"off": True}) == Ending(Outcome.DONE, "", {"face_off": True})


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"face_off": 0}', b"\xff", b"[]"])
def test_a_damaged_switch_keeps_faces_off(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "switches.json").write_bytes(damage)
    switches = Switches(tmp_path / "switches.json")
    assert (switches.face_off, switches.damaged) == (True, True)
    switches.set_face_off(off=False)
    assert not Switches(tmp_path / "switches.json").face_off
