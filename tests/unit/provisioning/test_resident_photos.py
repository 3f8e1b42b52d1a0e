"""What becomes of a resident's photo: a template that is like nothing of another store or site."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agent.core.clock import ManualClock
from agent.core.errors import PhotoError
from agent.core.seed import Seed
from agent.files.transforms import SiteTransforms
from agent.residents.store import ResidentStore
from agent.watchlist.service import Watchlist
from agent.watchlist.store import WatchlistStore
from models.engine import PackEngine
from models.gallery import score
from models.photo import PhotoFault
from models.values import Vector
from provisioning.resident_photos import CHINESE, ResidentPhotos
from tests.support.own_vision import OwnVision
from tests.support.residents import opened
from tests.support.samples import ADDRESS
from tests.support.signed import TRUSTED, listed, watchlist
from tests.unit.models.fixtures import photo, real

SEED = Seed("0" * 16, bytes(range(32)))
ENROLLED = "knn_examples/train/obama/obama.jpg"
SAME, OTHER = "obama-1080p.jpg", "biden.jpg"


def path_of(name: str) -> Path:
    return real("faces", "face_recognition", name)


def kept_by(store: ResidentStore, engine: PackEngine, *names: str) -> list[Vector]:
    photos = ResidentPhotos(engine, store.transforms.current)
    assert photos.kept_as == store.transforms.kept_as(engine.model_id)
    return photos.templates([path_of(name) for name in names])


def known(**people: Sequence[Vector]) -> list[tuple[str, list[bytes]]]:
    rows = {name: [vector.tobytes() for vector in vectors] for name, vectors in people.items()}
    return [(name.replace("_", "-"), found) for name, found in rows.items()]


def test_two_sites_cannot_be_joined_by_residents(tmp_path: Path, engine: PackEngine) -> None:
    """The very same photo at two gates: less alike than strangers, and each finds its own."""
    one, two = (opened(tmp_path / name) for name in ("a", "b"))
    ((here,), (there,)) = (kept_by(store, engine, ENROLLED) for store in (one, two))
    (again,) = kept_by(one, engine, SAME)
    plain = engine.template(photo(ENROLLED)).vector
    review = engine.thresholds.review
    assert score(here, there, engine.metric) < review
    assert score(here, plain, engine.metric) < review
    like = score(plain, engine.template(photo(SAME)).vector, engine.metric)
    assert score(here, again, engine.metric) == pytest.approx(like, abs=1e-5)


def test_one_photo_on_the_watchlist_and_among_residents_has_unrelated_templates(
    tmp_path: Path, clock: ManualClock, engine: PackEngine
) -> None:
    """Within one gate, through both real paths: no template of one is like one of the other."""
    transforms = SiteTransforms(tmp_path / "transforms.json")
    store = WatchlistStore(tmp_path / "watchlist.json")
    lists = Watchlist(
        store, TRUSTED, ADDRESS, clock, on_change=lambda _: None, transforms=transforms
    )
    lists.vision_up(OwnVision(engine), engine.model_id)
    entry = listed(clock, photos=[base64.b64encode(photo(ENROLLED)).decode()])
    lists.apply(watchlist(clock, [entry]), drill=None)
    (row,) = store.entries[0].templates[transforms.kept_as(engine.model_id)]
    wanted = np.frombuffer(row, "<f4").astype(np.float32)
    (resident,) = kept_by(opened(tmp_path), engine, ENROLLED)
    assert score(wanted, resident, engine.metric) < engine.thresholds.review
    cosine = score(wanted, resident, "cosine")
    assert abs(cosine) < 0.4, "as unrelated directions of so many dimensions are"


def test_one_person_under_two_ids_is_found_among_residents(engine: PackEngine) -> None:
    photos = ResidentPhotos(engine, SEED)
    (first,), (again,), (other,) = (
        photos.templates([path_of(name)]) for name in (ENROLLED, SAME, OTHER)
    )
    there = known(r_1=[first], r_2=[other], r_3=[])
    with pytest.raises(PhotoError, match=r"photo 2: same-person: looks like r-1; .*照片"):
        photos.expect_nobody_else("r-9", [first[:] * 0 + 1, again], there)
    photos.expect_nobody_else("r-1", [again], there)
    photos.expect_nobody_else("r-9", [again], known(r_2=[other]))
    photos.expect_nobody_else("r-9", [again], [])


@pytest.mark.parametrize(
    ("name", "word"), [("two_people.jpg", "two-faces"), ("obama_small.jpg", "too-small")]
)
def test_a_photo_that_is_refused_is_named_in_both_languages(
    engine: PackEngine, name: str, word: str
) -> None:
    with pytest.raises(
        PhotoError, match=rf"photo 2: {word}: .* 第 2 张照片：{CHINESE[PhotoFault(word)]}"
    ):
        ResidentPhotos(engine, SEED).templates([path_of(OTHER), path_of(name)])


def test_every_fault_has_its_words() -> None:
    assert set(CHINESE) == set(PhotoFault)
    assert len(set(CHINESE.values())) == len(CHINESE)


def test_what_is_no_photo_is_refused(engine: PackEngine, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    for data, word in ((b"", "unreadable"), (b"\xff\xd8\xff" + bytes(9 << 20), "too-large")):
        path.write_bytes(data)
        with pytest.raises(PhotoError, match=f"photo 1: {word}"):
            ResidentPhotos(engine, SEED).templates([path])
