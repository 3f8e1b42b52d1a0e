"""Face work under the site's transform: what it compares, what it keeps, what it refuses."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from agent.border import messages as border
from agent.border.gallery_index import GalleryRow, encode_index
from agent.border.protection import Convert, Protect
from agent.core.clock import ManualClock
from agent.core.errors import PackError
from agent.files.transforms import SiteTransforms
from agent.vision.replacing import GalleryWork
from agent.watchlist.service import Watchlist
from agent.watchlist.store import WatchlistStore
from models.engine import PackEngine, open_pack
from models.enrol import faces_of
from models.gallery import score
from models.transform import SiteTransform
from models.values import Vector
from tests.support.own_vision import OwnVision
from tests.support.samples import ADDRESS
from tests.support.signed import TRUSTED, listed, watchlist
from tests.tools.people import read
from tests.unit.models.fixtures import need_pack, photo, real

HERE, THERE = (SiteTransform("", bytes([n]) * 32) for n in (1, 2))
NAME = "0123456789abcdef"
ENROLLED = "knn_examples/train/obama/obama.jpg"


def people(engine: PackEngine) -> dict[str, list[Vector]]:
    """Templates of ten volunteers of CASIA-FaceV5, three photos of each."""
    found: dict[str, list[Vector]] = {}
    for folder in sorted(real("faces", "casia_facev5_subset").iterdir())[:10]:
        for path in sorted(folder.glob("*.*"))[:3]:
            picture = read(path)
            faces = faces_of(picture, engine.detect)
            if len(faces) == 1:
                vector = engine.embed(picture, faces[0]).vector
                found.setdefault(folder.name, []).append(vector)
    return found


@pytest.mark.parametrize("name", ["dlib", "mobilefacenet"])
def test_accuracy_is_unchanged_and_two_sites_cannot_be_joined(packs: Path, name: str) -> None:
    """Scores of one site stay as they are; over sites one person is like strangers, or less."""
    engine = open_pack(packs, "dlib" if name == "dlib" else need_pack(packs, name))
    metric, found = engine.metric, people(engine)
    rows = [(who, vector) for who, vectors in found.items() for vector in vectors]
    assert len(rows) >= 24
    same, strangers, over_sites, apart = [], [], [], []
    for who, one in rows:
        for other, two in rows:
            plain = score(one, two, metric)
            apart.append(abs(score(HERE.apply(one), HERE.apply(two), metric) - plain))
            if who != other:
                strangers.append(plain)
            else:
                over_sites.append(score(HERE.apply(one), THERE.apply(two), metric))
                same += [] if one is two else [plain]
    assert max(apart) < 1e-5, (np.mean(same), np.mean(strangers), np.mean(over_sites))
    assert np.mean(same) > np.mean(strangers) + 0.2
    assert np.mean(over_sites) < np.mean(strangers) + 0.05
    assert max(over_sites) < engine.thresholds.review, "not even the very same photo"


def gate(folder: Path, clock: ManualClock) -> tuple[Watchlist, SiteTransforms]:
    """The watchlist of one gate, with its seeds."""
    folder.mkdir()
    transforms = SiteTransforms(folder / "transforms.json")
    store = WatchlistStore(folder / "watchlist.json")
    made = Watchlist(
        store, TRUSTED, ADDRESS, clock, on_change=lambda _: None, transforms=transforms
    )
    return made, transforms


def test_two_gates_that_enrolled_one_photo_hold_nothing_alike(
    tmp_path: Path, clock: ManualClock, engine: PackEngine
) -> None:
    """From the photo to the store, as it runs; then each finds its own, and not the other's."""
    entry = listed(clock, photos=[base64.b64encode(photo(ENROLLED)).decode()])
    kept, visions = [], []
    for name in ("a", "b"):
        gate_of, transforms = gate(tmp_path / name, clock)
        vision = OwnVision(engine)
        gate_of.vision_up(vision, engine.model_id)
        gate_of.apply(watchlist(clock, [entry]), drill=None)
        (stored,) = gate_of._store.entries
        assert list(stored.templates) == [transforms.kept_as(engine.model_id)]
        assert not stored.photos
        kept.append(np.frombuffer(stored.templates[transforms.kept_as(engine.model_id)][0], "<f4"))
        visions.append(vision)
    own = engine.template(photo(ENROLLED)).vector
    probes = [vision.work.template(photo(ENROLLED)) for vision in visions]
    review = engine.thresholds.review
    assert score(kept[0], kept[1], engine.metric) < review
    assert score(kept[0], own, engine.metric) < review, "nor with a face from elsewhere"
    for place in (0, 1):
        assert score(kept[place], probes[place], engine.metric) > 0.999
        assert score(kept[place], probes[1 - place], engine.metric) < review


def test_a_gallery_under_another_transform_is_refused(engine: PackEngine) -> None:
    vision = OwnVision(engine)
    vision.work.protect(Protect(NAME), b"\x01" * 32)
    row = np.zeros(engine.dim, "<f4").tobytes()
    index = encode_index([GalleryRow("w-1", False, 1)])
    for transform in ("", "f" * 16):
        message = border.Gallery(1, engine.model_id, engine.dim, len(index), transform)
        with pytest.raises(PackError, match="another transform"):
            GalleryWork(vision.work, message, index + row).step(lambda: 0)
    assert vision.work.entries == 0
    message = border.Gallery(1, engine.model_id, engine.dim, len(index), NAME)
    GalleryWork(vision.work, message, index + row).step(lambda: 0)
    assert vision.work.entries == 1
    vision.work.protect(Protect("f" * 16), b"\x02" * 32)
    assert vision.work.entries == 0, "a new seed empties what is searched"


@pytest.mark.parametrize("seed", [b"", b"\x01" * 31, b"\x01" * 33])
def test_what_is_no_seed_is_refused(engine: PackEngine, seed: bytes) -> None:
    with pytest.raises(PackError):
        OwnVision(engine).work.protect(Protect(NAME), seed)


def test_rows_that_are_not_whole_are_not_converted(engine: PackEngine) -> None:
    vision = OwnVision(engine)
    with pytest.raises(PackError, match="no transform"):
        vision.work.convert(Convert(1, 2, seeded=False), b"\0" * 8)
    vision.work.protect(Protect(NAME), b"\x01" * 32)
    with pytest.raises(PackError, match="not whole"):
        vision.work.convert(Convert(1, 2, seeded=False), b"\0" * 12)
