"""Another pack at a gate, with the real watchlist and real engines: templates never mix."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import PackError
from agent.vision.replacing import GalleryWork
from models.engine import open_pack
from tests.support.own_vision import OwnVision
from tests.support.signed import listed
from tests.support.vision import Bench
from tests.unit.models.fixtures import need_pack, photo


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path, clock)


def test_templates_of_one_pack_are_never_searched_with_another(packs: Path, bench: Bench) -> None:
    first = OwnVision(open_pack(packs, "dlib"))
    second = OwnVision(open_pack(packs, need_pack(packs, "mobilefacenet")))
    entry = listed(
        bench.clock, photos=[base64.b64encode(photo("knn_examples/train/obama/obama.jpg")).decode()]
    )
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
