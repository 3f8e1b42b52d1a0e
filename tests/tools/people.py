"""Real faces for e2e tests: people who walk up to a camera, and signed lists that they stand on.

Photos of real people are never part of this repository; they lie beside it, in ``../shared/data``.
Here: videos, photos fit to be sent, lists signed by the site's station. Everybody listed stands on
a drill's list; nobody is searched for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.signing import sign
from contract.words import Document, Role, Status
from models.engine import PackEngine
from models.enrol import faces_of
from models.values import Image
from provisioning.demo.video import Walk, make_video
from station import actions, keys
from tests.tools.site import Site
from tests.tools.site_config import NODE, SITE, STATION

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HEAD_PX = 130
SWAY_PX = 6
Entry = dict[str, Any]


def real(*parts: str) -> Path:
    """A file of the test data; skips the test where it is absent."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real photos and videos are not here: {path}")
    return path


def photo_of(*parts: str) -> Path:
    """A press photo of a public figure."""
    return real("faces", "face_recognition", *parts)


def read(path: Path) -> Image:
    """A picture's pixels, BGR."""
    picture = cv2.imread(str(path))
    assert picture is not None, path
    return picture.astype(np.uint8)


def walking_up(target: Path, engine: PackEngine, *walks: tuple[Path, float, float]) -> Path:
    """An H.264 file in which each person walks up between two moments (s), then 1 s of nobody."""
    people = []
    for path, starts_s, ends_s in walks:
        picture = read(path)
        box = faces_of(picture, engine.detect)[0].box
        people.append(Walk(picture, (*box.centre, box.width), starts_s, ends_s))
    make_video(target, people, max(walk[2] for walk in walks) + 1.0, lambda _: None)
    return target


def swaying(target: Path, picture: Image, seconds: float = 8.0, fps: int = 12) -> Path:
    """An H.264 file of *picture*, which sways a little, with a sensor's noise."""
    random = np.random.default_rng(7)
    height, width = (side // 2 * 2 - 2 * SWAY_PX for side in picture.shape[:2])
    with av.open(str(target), "w") as container:
        stream: Any = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "18", "g": str(fps)}
        for number in range(round(seconds * fps)):
            at = SWAY_PX + round(SWAY_PX * np.sin(number / 3))
            part = picture[at : at + height, at : at + width].astype(np.int16)
            noisy = np.clip(part + random.normal(0, 2, part.shape), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(noisy, format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return target


def head_of(path: Path, target: Path, engine: PackEngine) -> Path:
    """The photo cut to head and shoulders, small enough to be sent."""
    picture = read(path)
    box = faces_of(picture, engine.detect)[0].box
    (x, y), side = box.centre, 0.9 * box.height
    top, left = max(round(y - side), 0), max(round(x - side), 0)
    part = picture[top : round(y + side), left : round(x + side)]
    scale = min(HEAD_PX / box.width, 1.0)
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert cv2.imwrite(str(target), small, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return target


def walker(folder: Path, engine: PackEngine) -> tuple[Path, list[Path]]:
    """A video in which one person walks up, and two other photos of that person's head."""
    walk = (photo_of("knn_examples/train/obama/obama.jpg"), 1.0, 6.0)
    video = walking_up(folder / "walker.mp4", engine, walk)
    others = ("knn_examples/train/obama/obama2.jpg", "tests/test_images/obama3.jpg")
    return video, [head_of(photo_of(name), folder / Path(name).name, engine) for name in others]


def entry(entry_id: str, photos: Sequence[Path], **fields: Any) -> Entry:
    """One listed volunteer; a field that is given as ``...`` is left out."""
    now = datetime.now(UTC).replace(microsecond=0)
    value: Entry = {
        "entry_id": entry_id,
        "list": "missing",
        "authority": "Cancheng test station",
        "case_reference": "DRILL-0001",
        "legal_basis": "Drill with public press photos; nobody is searched for",
        "category": "drill",
        "approvers": ["drill-officer-1", "drill-officer-2"],
        "not_before": (now - timedelta(hours=1)).isoformat(),
        "expires_at": (now + timedelta(days=7)).isoformat(),
        "instruction": {"en": "Drill: confirm the lead.", "zh": "演练：核实线索。"},
        "photos": [str(photo) for photo in photos],
    }
    return {name: part for name, part in (value | fields).items() if part is not ...}


def give_list(site: Site, entries: Sequence[Entry], status: Status = Status.EXERCISE) -> None:
    """Sign a list as the station does and send it to the gate through ``station serve``."""
    source, signed = site.folder / "entries.json", site.folder / "watchlist.json"
    source.write_text(json.dumps(list(entries)), encoding="utf-8")
    folder = site.folder / "station"
    actions.sign_watchlist(
        folder, source, signed, status=status, version=None, node="*", allow_empty=False
    )
    actions.send(folder, f"{SITE}/{NODE}", Document.WATCHLIST, signed)


def signed_list(
    site: Site,
    entries: Sequence[Mapping[str, Any]],
    key: Ed25519PrivateKey | None = None,
    **fields: Any,
) -> bytes:
    """A signed list without any of the checks that the station makes before it signs."""
    made = keys.open_station(site.folder / "station")
    document = {
        "doc": "watchlist",
        "version": 1,
        "status": Status.EXERCISE.value,
        "node": "*",
        "issuer": STATION,
        "role": "watchlist",
        "issued_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "entries": list(entries),
    }
    return rfc8785.dumps(sign(document | fields, key or keys.role_key(made, Role.WATCHLIST)))
