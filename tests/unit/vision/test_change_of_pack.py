"""Another pack at a gate, with the real watchlist and real engines: templates never mix."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import pytest

from agent.border import messages as border
from agent.config.schema.vision import Faces
from agent.core.clock import ManualClock
from agent.core.errors import PackError
from agent.vision.faces import FaceWork
from agent.vision.photos import PhotoWork
from agent.vision.replacing import GalleryWork
from models import pictures
from models.engine import PackEngine, open_pack
from tests.support.signed import listed
from tests.support.vision import Bench
from tests.unit.models.fixtures import need_pack

HEAD: bytes = cv2.imencode(".png", pictures.head(448, 416, x=200, y=215, tall=330))[1].tobytes()


class Vision:
    """The vision program's own work, in this process and at once."""

    review_only = False
    faces_off = False

    def __init__(self, engine: PackEngine) -> None:
        self.work = FaceWork(engine, Faces())
        self.last: tuple[border.Gallery, bytes] | None = None

    def embed(
        self,
        photos: Sequence[bytes],
        done: Callable[[border.Embedded, bytes], None],
        meant: border.Meant,
    ) -> bool:
        """Make templates."""
        order = border.Embed(
            1,
            [len(photo) for photo in photos],
            meant.entry_id,
            exercise=meant.exercise,
            own=meant.own,
        )
        work = PhotoWork(self.work, order, b"".join(photos))
        answer = None
        while answer is None:
            answer = work.step()
        done(*answer)
        return True

    def gallery(self, rows: list[border.GalleryRow], matrix: bytes) -> bool:
        """Search these from now on."""
        index = border.encode_index(rows)
        engine = self.work.engine
        message = border.Gallery(1, engine.model_id, engine.dim, len(index))
        self.last = message, index + matrix
        assert GalleryWork(self.work, *self.last).step(lambda: 0)
        return True

    def settle(self, done: Callable[[], None]) -> None:
        """It is in use already."""
        done()


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path, clock)


def test_templates_of_one_pack_are_never_searched_with_another(packs: Path, bench: Bench) -> None:
    first = Vision(open_pack(packs, "dlib"))
    second = Vision(open_pack(packs, need_pack(packs, "mobilefacenet")))
    entry = listed(bench.clock, photos=[base64.b64encode(HEAD).decode()])
    bench.list.vision_up(first, first.work.engine.model_id)
    bench.apply(entry)
    assert first.work.entries == 1
    (stored,) = bench.list._store.entries
    assert list(stored.templates) == ["dlib-resnet-v1@55533b28"]
    assert not stored.photos

    bench.list.vision_lost()
    bench.list.vision_up(second, second.work.engine.model_id)
    assert second.work.entries == 0
    assert [row.state for row in bench.list.listing()] == ["resend"]
    assert bench.reported[-1].told()["resend"] == ["w-1"]
    assert first.last is not None
    with pytest.raises(PackError, match="templates of dlib-resnet-v1@55533b28 cannot be compared"):
        GalleryWork(second.work, *first.last).step(lambda: 0)

    bench.apply(entry, version=2)
    assert second.work.entries == 1
    assert [row.state for row in bench.list.listing()] == ["active"]
    assert "resend" not in bench.reported[-1].told()
