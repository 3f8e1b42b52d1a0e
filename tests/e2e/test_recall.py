"""An entry of the watchlist from its photo to its end: vectors kept, photo destroyed, recalled.

Real station, core and vision, real photos, a drill's list.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.files.key_file import Credentials
from agent.files.keys import Keys
from agent.files.seals import StoreSeal
from agent.vault import KEYS_FOLDER, STORES, WATCHLIST
from agent.watchlist.store import WatchlistStore
from models.engine import PackEngine
from models.values import Vector
from tests.support.wiping import raw
from tests.tools.people import entry, give_list, head_of, photo_of, real
from tests.tools.photo_scan import forms_of, parts_of
from tests.tools.site import Site
from tests.tools.site_config import file_camera

STARTED_S = 90.0
RECALL_S = 60.0
OVER_S = 25.0
LATE_S = 75.0  # what is over is looked for once a minute
PHOTO, OTHER = "knn_examples/train/obama/obama.jpg", "alex-lacamoire.png"
PICTURES = (b"JFIF", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n")


@pytest.fixture
def site(tmp_path: Path, packs_dir: Path) -> Iterator[Site]:
    cars = real("video", "intel", "car-detection.mp4")
    cameras = {"gate": file_camera(cars)}
    faces, models = {"enabled": True}, {"dir": str(packs_dir)}
    with Site(tmp_path / "site", cameras=cameras, faces=faces, models=models) as made:
        made.start("station", "agent").vision.start()
        made.until(lambda: made.component("vision").get("state") == "ok", STARTED_S)
        yield made


def searched(site: Site) -> int:
    """How many entries vision compares with."""
    return int(site.component("vision").get("gallery", -1))


def data(site: Site) -> Path:
    return Path(site.config["node"]["data_dir"])


def kept(site: Site) -> dict[str, tuple[list[Vector], int]]:
    """Templates and how many photos the sealed file holds of each entry, by the gate's own key."""
    keys = Keys(data(site) / KEYS_FOLDER, STORES, Credentials(), read_only=True)
    store = WatchlistStore(data(site) / "watchlist.json", seal=StoreSeal(keys, WATCHLIST))
    return {
        one.entry_id: (
            [np.frombuffer(row, "<f4") for rows in one.templates.values() for row in rows],
            len(one.photos) + len(one.look_alike_photos),
        )
        for one in store.entries
    }


def test_vectors_are_kept_photos_destroyed_and_a_recall_takes_under_a_minute(
    site: Site, engine: PackEngine, tmp_path: Path
) -> None:
    heads = [
        head_of(photo_of(name), tmp_path / f"{number}.jpg", engine)
        for number, name in enumerate((PHOTO, OTHER))
    ]
    stays, goes = (entry(name, [head]) for name, head in zip(("d-1", "d-2"), heads, strict=True))
    give_list(site, [stays, goes])
    site.until(lambda: searched(site) == 2, 60)
    photos_are_gone(site, engine, heads)
    sent_s = time.monotonic()
    give_list(site, [stays])
    site.until(lambda: searched(site) == 1, RECALL_S)
    site.until(lambda: set(kept(site)) == {"d-1"}, RECALL_S)
    assert time.monotonic() - sent_s < RECALL_S
    rows = site.ask("watchlist.list")["entries"]
    assert [row["entry_id"] for row in rows] == ["d-1"]


def photos_are_gone(site: Site, engine: PackEngine, heads: list[Path]) -> None:
    """Neither in the clear nor sealed; nor a template as the network made it."""
    site.until(lambda: all(photos == 0 for _, photos in kept(site).values()), 10)
    found, held = raw(data(site)), kept(site)
    assert [len(vectors) for vectors, _ in held.values()] == [1, 1]
    assert [mark for mark in PICTURES if mark in found] == []
    for path in heads:
        assert [part for part in parts_of(path) if part in found] == []
        plain = engine.template(path.read_bytes()).vector
        assert [form for form in forms_of(plain) if form in found] == []
        own = [
            float(np.abs(vector - plain).max())
            for vectors, _ in held.values()
            for vector in vectors
        ]
        assert min(own) > 0.01, "what is kept is transformed"
        assert base64.b64encode(path.read_bytes())[200:300] not in found


def test_what_is_over_ends_without_a_network(
    site: Site, engine: PackEngine, tmp_path: Path
) -> None:
    """The broker is gone when the entry's time comes: vision searches for nobody any more."""
    head = head_of(photo_of(PHOTO), tmp_path / "head.jpg", engine)
    over = datetime.now(UTC) + timedelta(seconds=OVER_S)
    give_list(site, [entry("d-1", [head], expires_at=over.isoformat())])
    site.until(lambda: searched(site) == 1, OVER_S)
    site.broker.kill()
    site.until(lambda: searched(site) == 0, OVER_S + LATE_S)
    assert datetime.now(UTC) >= over
    site.until(lambda: kept(site) == {}, LATE_S)
    assert site.ask("watchlist.list")["entries"] == []
