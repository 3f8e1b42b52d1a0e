"""The measure counts as ISO 30107-3 does; on real prints and people the rule holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.core.errors import PackError
from models.detector import FaceDetector
from models.evaluate_liveness import Looked, look, report, turned, windows
from models.livecheck import LivenessCheck
from models.liveness import Doubt, Glance, Liveness, LivenessRule
from models.livenet import LivenessNet
from models.packs import load_detector, load_liveness
from models.pad_data import LIVE, Clip, clips_below
from models.specs import FaceBox
from models.turn import Side, TurnRule
from tests.unit.models.fixtures import need_pack, real
from tests.unit.models.test_turn import HEAD, PAPER, face, still, swing

RULE = LivenessRule(frames=5, threshold=0.5, refuse=0.5)
YES, NO, DARK = Glance(0.9, 0.0), Glance(0.1, 0.9), Glance(doubt=Doubt.GREY)


def clip(species: str, person: str = "a", name: str = "1") -> Clip:
    return Clip("own", species, person, name, (Path("x"),) * 10)


def looked(species: str, *glances: Glance | None, person: str = "a") -> Looked:
    strained = dict.fromkeys(("grey", "tight", "colours_swapped"), ((DARK, NO),) * 5)
    return Looked(clip(species, person), (None,) * len(glances), glances, strained)


def test_windows_do_not_overlap_and_a_short_rest_is_left_out() -> None:
    told = [one.outcome for one in windows([*[YES] * 5, *[NO] * 5, YES, YES], RULE)]
    assert told == [Liveness.CLEAR, Liveness.REFUSE]
    (short,) = windows([YES, YES], RULE)
    assert (short.outcome, short.doubt) == (Liveness.UNDECIDED, Doubt.FEW)


def test_undecided_is_counted_apart_and_read_both_ways() -> None:
    seen = [
        looked(LIVE, *[YES] * 5, *[DARK] * 5),
        looked(LIVE, *[NO] * 5, *[YES] * 5, person="b"),
        looked("print", *[YES] * 5, *[NO] * 5, *[DARK] * 5, *[None] * 5),
    ]
    told = report(seen, RULE)
    (live,) = told["live"]
    assert (live["people"], live["windows"], live["decided"]) == (2, 4, 3)
    assert (live["bpcer"]["hits"], live["bpcer"]["trials"]) == (2, 4)
    assert (live["bpcer_of_decided"]["hits"], live["bpcer_of_decided"]["trials"]) == (1, 3)
    assert live["bpnrr"]["hits"] == 1
    (attack,) = told["attacks"]
    assert (attack["apcer"]["hits"], attack["apcer"]["trials"]) == (1, 4)
    assert (attack["apcer_of_decided"]["hits"], attack["apcer_of_decided"]["trials"]) == (1, 2)
    assert (attack["apnrr"]["hits"], attack["frames_doubted"]) == (
        2, {"grey-frame": 5, "no-face": 5}
    )  # fmt: skip
    assert told["all_attacks"][0]["windows"] == 4
    json.dumps(told, allow_nan=False)


def test_species_are_never_mixed() -> None:
    told = report([looked("mask", *[YES] * 5), looked("print", *[NO] * 5)], RULE)
    shares = {row["species"]: row["apcer"]["share"] for row in told["attacks"]}
    assert shares == {"mask": 1.0, "print": 0.0}


def test_a_clip_as_an_answer_to_a_turn() -> None:
    rule = TurnRule(turns=1)
    head = [face(HEAD, yaw) for yaw in [*still(4), *swing(35)]]
    paper = [face(PAPER, yaw) for yaw in [*still(4), *swing(35)]]
    assert turned(head, Side.LEFT, rule) is Liveness.CLEAR
    assert turned(head, Side.RIGHT, rule) is Liveness.REFUSE
    assert turned([*head[:6], None, None, None, *head[6:]], Side.LEFT, rule) is Liveness.UNDECIDED
    assert turned(paper, Side.LEFT, rule) is not Liveness.CLEAR


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_folders_of_ones_own_are_read_in_order(tmp_path: Path) -> None:
    folder = touched(
        tmp_path, "live/a/2.jpg", "live/a/10.png", "attack/mask/b/1.jpg", "notes/readme.txt"
    )
    read = {one.species: [path.name for path in one.pictures] for one in clips_below(folder)}
    assert read == {"live": ["2.jpg", "10.png"], "mask": ["1.jpg"]}


def test_nuaas_names_tell_how_the_print_was_held(tmp_path: Path) -> None:
    folder = touched(
        tmp_path,
        "nuaa/real/0004/session01/0004_01_00_01_7.jpg",
        "nuaa/photo_attack/0004/session02/0004_01_02_02_0.jpg",
        "minivision/image_F1.jpg",
        "minivision/image_T1.jpg",
    )
    read = {(one.collection, one.species, one.person) for one in clips_below(folder)}
    assert read == {
        ("NUAA", "live", "0004"),
        ("NUAA", "print, bent up and down", "0004"),
        ("minivision", "print or screen, not told which", "image_F1"),
        ("minivision", "live", "image_T1"),
    }


def test_a_folder_without_clips_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="attack/SPECIES/CLIP/PICTURE"):
        clips_below(touched(tmp_path, "holiday.jpg"))


# Real people and prints of them, beside the repository.

LIVE_CLIPS = ("0004_01_00_01", "0010_01_05_03")
PRINT_CLIPS = ("0001_00_00_01", "0004_01_02_02", "0016_01_04_03")


@pytest.fixture(scope="module")
def net(packs: Path) -> LivenessNet:
    return load_liveness(packs, need_pack(packs, "minifasnet")).net


@pytest.fixture(scope="module")
def finder(packs: Path) -> FaceDetector:
    return load_detector(packs, need_pack(packs, "yunet")).detector


def chosen(names: Sequence[str], live: bool) -> list[Clip]:
    every = clips_below(real("pad", "nuaa"))
    short = [one for one in every if one.live is live and one.name.split("/")[1] in names]
    return [replace(one, pictures=one.pictures[:5]) for one in short]


def asked(found: Sequence[Looked], strain: str, *, live: bool) -> list[float]:
    """What the networks alone said of each strained frame."""
    rows = [one.strained[strain] for one in found if one.clip.live is live]
    return [pair[1].live for row in rows for pair in row if pair]


@pytest.fixture(scope="module")
def found(finder: FaceDetector, net: LivenessNet) -> list[Looked]:
    clips = [*chosen(LIVE_CLIPS, live=True), *chosen(PRINT_CLIPS, live=False)]
    return look(finder, LivenessCheck(net), clips)


def test_people_pass_and_prints_of_them_do_not(found: list[Looked]) -> None:
    outcomes = {one.clip.name: windows(one.glances, RULE)[0].outcome for one in found}
    assert {outcomes[f"real/{name}"] for name in LIVE_CLIPS} == {Liveness.CLEAR}
    assert Liveness.CLEAR not in {outcomes[f"photo_attack/{name}"] for name in PRINT_CLIPS}
    assert Liveness.REFUSE in {outcomes[f"photo_attack/{name}"] for name in PRINT_CLIPS}


def test_night_pictures_and_prints_that_fill_the_picture_are_undecided(
    found: list[Looked],
) -> None:
    for one in found:
        for strain in ("grey", "tight"):
            glances = [pair and pair[0] for pair in one.strained[strain]]
            assert {told.outcome for told in windows(glances, RULE)} == {Liveness.UNDECIDED}


def test_swapped_colours_would_let_prints_pass(found: list[Looked]) -> None:
    """Why the golden answers of the pack must catch them: nothing else here would."""
    prints = asked(found, "colours_swapped", live=False)
    assert np.mean(np.array(prints) >= 0.5) > 0.3
    assert min(asked(found, "colours_swapped", live=True)) > 0.9


def test_another_box_rule_changes_the_answers(
    found: list[Looked], net: LivenessNet, finder: FaceDetector
) -> None:
    """YuNet's narrow box as it is: a live person falls below the threshold in single frames."""
    plain = replace(net.spec, box=FaceBox("yunet", width=1.0, height=1.0, down=0.0))
    check = LivenessCheck(LivenessNet(net.sessions, plain))
    (one,) = look(finder, check, chosen(LIVE_CLIPS[1:], live=True))
    right = next(row for row in found if row.clip.name == one.clip.name)
    apart = [
        abs(a.live - b.live)
        for a, b in zip(one.glances, right.glances, strict=True)
        if a is not None and b is not None
    ]
    assert max(apart) > 0.15
