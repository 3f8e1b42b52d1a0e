"""Pictures of leads: nobody else can be found in them, and where that fails there is none."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.core.errors import PhotoError
from contract.words import MAX_MESSAGE_BYTES
from models import evidence, pictures
from models.engine import PackEngine, open_pack
from models.evidence import picture_of
from models.values import Box, FoundFace, Image
from tests.tools.people import read
from tests.unit.models.fixtures import need_pack, real

LONGEST = 480
CROWDS, LEAST_PX = 12, 45
CROWD: Image = np.concatenate(
    [pictures.head(720, 320, x=160, y=330, tall=190, lean=lean) for lean in (0, 40, -40, 60)], 1
)
LOOKS = (320, 480, 640, 960)


def faces_in(jpeg: bytes, engine: PackEngine, budget: int) -> list[FoundFace]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return engine.detect(np.asarray(picture, np.uint8), budget)


def boxes(frame: Image, engine: PackEngine) -> list[Box]:
    found = [face.box for face in engine.detect(frame, 640)]
    return sorted(found, key=lambda box: box.left)


def segments(jpeg: bytes) -> Iterator[int]:
    """The markers of a JPEG before its pixels."""
    stream = io.BytesIO(jpeg)
    assert stream.read(2) == b"\xff\xd8"
    while True:
        mark = stream.read(2)[1]
        yield mark
        if mark == 0xDA:
            return
        stream.seek(int.from_bytes(stream.read(2), "big") - 2, io.SEEK_CUR)


@pytest.mark.parametrize("lead", range(4))
def test_of_a_crowd_only_the_lead_is_found_again(engine: PackEngine, lead: int) -> None:
    everybody = boxes(CROWD, engine)
    assert len(everybody) == 4
    before = CROWD.copy()
    jpeg = picture_of(CROWD, everybody[lead], engine.detect, LONGEST)
    assert np.array_equal(CROWD, before), "the frame is used for more than this"
    assert len(jpeg) <= MAX_MESSAGE_BYTES
    for budget in LOOKS:
        assert len(faces_in(jpeg, engine, budget)) == 1, budget


def test_two_strangers_of_the_same_mean_colours_leave_the_same_picture() -> None:
    """What is hidden cannot be brought back: it depends on one colour and no pixel."""
    ones, others = np.zeros((2, 400, 400, 3), np.uint8)
    ones[:, ::2], others[:, 1::2] = 200, 200
    face = Box(128, 128, 208, 208)
    hidden: list[Image] = []
    for picture in (ones, others):
        evidence._hide(picture, [face])
        hidden.append(picture[96:240, 96:240])
    assert np.array_equal(hidden[0], hidden[1])
    assert len(np.unique(hidden[0])) == 1


def test_around_the_leads_head_a_face_of_their_size_is_five_blocks_wide(
    engine: PackEngine,
) -> None:
    """What the detector misses is coarse, too: small, masked and cut faces."""
    lead = boxes(CROWD, engine)[1]
    picture = CROWD.copy()
    evidence._coarsen(picture, lead)
    far = picture[600:, :]
    colours = len(np.unique(far.reshape(-1, 3), axis=0))
    block = lead.short_side / 5
    assert colours <= (far.shape[0] / block + 2) * (far.shape[1] / block + 2)
    rows, columns = (
        slice(round(a), round(b)) for a, b in ((lead.top, lead.bottom), (lead.left, lead.right))
    )
    assert np.array_equal(picture[rows, columns], CROWD[rows, columns])


def test_the_picture_holds_pixels_and_nothing_about_them(engine: PackEngine) -> None:
    jpeg = picture_of(CROWD, boxes(CROWD, engine)[1], engine.detect, LONGEST)
    assert {mark for mark in segments(jpeg) if 0xE1 <= mark <= 0xEF or mark == 0xFE} == set()


def test_of_two_real_people_the_one_who_is_no_lead_is_gone(engine: PackEngine, packs: Path) -> None:
    """With CenterFace and with YuNet, and looked through with both."""
    photo = real("faces", "face_recognition", "two_people.jpg")
    frame = read(photo)
    need_pack(packs, "yunet")
    engines = [engine, open_pack(packs, "dlib", detector="yunet")]
    for one in engines:
        found = boxes(frame, one)
        assert len(found) == 2
        for lead in found:
            jpeg = picture_of(frame, lead, one.detect, LONGEST)
            for other in engines:
                assert [len(faces_in(jpeg, other, budget)) for budget in LOOKS] == [1] * len(LOOKS)


def test_in_photos_of_real_crowds_neither_detector_finds_anybody_else(
    engine: PackEngine, packs: Path
) -> None:
    """Masked, small and cut faces included; looked through at sizes that were not used."""
    need_pack(packs, "yunet")
    engines = [engine, open_pack(packs, "dlib", detector="yunet")]
    files = sorted(p for p in real("detection").rglob("*") if p.suffix in (".jpg", ".png"))
    given = 0
    for path in files[:: len(files) // CROWDS]:
        frame = read(path)
        for one in engines:
            found = [face.box for face in one.detect(frame, 640)]
            lead = max(found, key=lambda box: box.short_side, default=None)
            if lead is None or len(found) < 2 or lead.short_side < LEAST_PX:
                continue
            try:
                jpeg = picture_of(frame, lead, one.detect, LONGEST)
            except PhotoError:
                continue
            given += 1
            for other in engines:
                assert [len(faces_in(jpeg, other, px)) for px in LOOKS] == [1] * len(LOOKS), path
    assert given >= CROWDS // 4


@pytest.mark.parametrize("longest", [160, 480, 960])
def test_it_is_as_large_as_the_site_allows_and_no_larger(engine: PackEngine, longest: int) -> None:
    jpeg = picture_of(CROWD, boxes(CROWD, engine)[2], engine.detect, longest)
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert max(picture.shape) <= longest


def test_noise_at_the_largest_size_still_fits(engine: PackEngine) -> None:
    frame = pictures.noise(1080, 1920, 3)
    frame[200:920, 640:960] = pictures.head(720, 320, x=160, y=330, tall=190)
    (lead,) = boxes(frame, engine)
    jpeg = picture_of(frame, lead, engine.detect, 960)
    assert 0 < len(jpeg) <= MAX_MESSAGE_BYTES


def test_a_blur_that_does_nothing_gives_no_picture(
    engine: PackEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("_hide", "_coarsen"):
        monkeypatch.setattr(evidence, step, lambda *_: None)
    with pytest.raises(PhotoError, match="another face is still found"):
        picture_of(CROWD, boxes(CROWD, engine)[1], engine.detect, LONGEST)


@pytest.mark.parametrize("step", ["_hide", "_coarsen"])
def test_either_of_the_two_ways_of_hiding_is_enough_in_a_plain_scene(
    engine: PackEngine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(evidence, step, lambda *_: None)
    jpeg = picture_of(CROWD, boxes(CROWD, engine)[1], engine.detect, LONGEST)
    assert [len(faces_in(jpeg, engine, budget)) for budget in LOOKS] == [1] * len(LOOKS)


def test_a_lead_who_is_not_found_again_gives_no_picture(engine: PackEngine) -> None:
    with pytest.raises(PhotoError, match="the lead is not found"):
        picture_of(CROWD, Box(20, 600, 80, 680), engine.detect, LONGEST)


def test_a_box_outside_the_frame_gives_no_picture(engine: PackEngine) -> None:
    with pytest.raises(PhotoError, match="outside"):
        picture_of(CROWD, Box(9000, 9000, 9100, 9100), engine.detect, LONGEST)
