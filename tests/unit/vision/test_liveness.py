"""Real people and prints of them before the camera: a lead says which it was, and stays a lead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.border import messages as border
from agent.border.gallery_index import GalleryRow, encode_index
from agent.config.schema.vision import Faces
from agent.core.errors import PackError
from agent.core.ids import CameraName
from agent.vision.faces import FaceWork
from agent.vision.replacing import GalleryWork
from devices.camera_frame import Frame
from devices.capture_wire import FrameReady
from models.engine import PackEngine, open_pack
from models.values import Image
from tests.unit.models.fixtures import need_pack, real

CONFIG = Faces(enabled=True, pack="mobilefacenet", liveness="minifasnet", frames=5)
FRAME_NS = 200_000_000
LISTED = "w-0004"
PERSON, PRINT = "real/0004/session02", "photo_attack/0004/session02"


@pytest.fixture(scope="module")
def checking(packs: Path) -> PackEngine:
    for name in ("mobilefacenet", "yunet", "minifasnet"):
        need_pack(packs, name)
    return open_pack(packs, "mobilefacenet", liveness="minifasnet")


def pictures(folder: str, starting: str) -> Iterator[Image]:
    """A clip's pictures in order."""
    paths = real("pad", "nuaa", *folder.split("/")).glob(f"{starting}_*.jpg")
    for path in sorted(paths, key=lambda one: int(one.stem.rsplit("_", 1)[1])):
        yield np.asarray(cv2.imread(str(path)), np.uint8)


def searching(engine: PackEngine) -> FaceWork:
    """Face work that searches for one person, enrolled from another day's pictures."""
    work = FaceWork(engine, CONFIG)
    rows = []
    for picture in list(pictures("real/0004/session01", "0004_01_00_01"))[:3]:
        face = max(engine.detect(picture), key=lambda one: one.box.width)
        rows.append(engine.embed(picture, face).vector)
    index = encode_index([GalleryRow(LISTED, False, len(rows))])
    told = border.Gallery(1, engine.model_id, engine.dim, len(index))
    order = GalleryWork(work, told, index + np.stack(rows).astype("<f4").tobytes())
    assert order.step(lambda: 0)
    return work


def seen(work: FaceWork, shown: Iterator[Image]) -> list[border.Sighting]:
    found = []
    for number, picture in enumerate(shown):
        height, width = picture.shape[:2]
        ready = FrameReady(number, 0, (number + 1) * FRAME_NS, width, height, 1.0, (0, 0, 1, 1))
        with Frame(CameraName("north"), ready, picture.copy(), lambda: None) as frame:
            found += work.look(frame)[0]
    return found


def grey(picture: Image) -> Image:
    one = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(one, cv2.COLOR_GRAY2BGR), np.uint8)


@pytest.mark.parametrize(
    ("folder", "clip", "change", "liveness"),
    [
        (PERSON, "0004_01_00_02", None, "pass"),
        (PRINT, "0004_01_02_02", None, "refuse"),
        (PERSON, "0004_01_00_02", grey, "undecided"),
    ],
)
def test_a_lead_of_a_person_and_of_a_print_both_go_out_and_say_which(
    checking: PackEngine,
    folder: str,
    clip: str,
    change: Callable[[Image], Image] | None,
    liveness: str,
) -> None:
    shown = (change(one) if change else one for one in pictures(folder, clip))
    leads = [one for one in seen(searching(checking), shown) if one.band == "lead"]
    assert [(one.entry_id, one.frames, one.liveness) for one in leads] == [(LISTED, 5, liveness)]


def test_a_likeness_of_too_few_frames_is_undecided(checking: PackEngine) -> None:
    shown = list(pictures(PERSON, "0004_01_00_02"))[:3]
    (told,) = seen(searching(checking), iter(shown))
    assert (told.band, told.liveness) == ("review", "undecided")


def test_a_check_that_could_never_pass_is_refused(checking: PackEngine) -> None:
    with pytest.raises(PackError, match=r"judged over 5 frames and faces\.frames is 3"):
        FaceWork(checking, Faces(enabled=True, pack="mobilefacenet"))


def test_without_a_pack_nothing_is_said_of_liveness(packs: Path) -> None:
    need_pack(packs, "yunet")
    plain = open_pack(packs, need_pack(packs, "mobilefacenet"))
    told = seen(searching(plain), pictures(PERSON, "0004_01_00_02"))
    assert {one.liveness for one in told} == {None}
