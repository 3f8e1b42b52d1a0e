"""The vision program's turns, over its real socket: a beat goes out however much there is to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.border import messages as border
from agent.border.channel import Channel, listen
from agent.border.gallery_index import GalleryRow, encode_index
from agent.config.schema.vision import Faces
from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.clock import ManualClock
from agent.runtime.sdnotify import Notifier
from agent.vision.client import CoreClient
from agent.vision.faces import FaceWork
from agent.vision.program import VisionProgram, hello
from models import pictures
from models.engine import PackEngine
from models.values import Probe
from tests.unit.models.fixtures import photo

PHOTO_S = 1.5
HEAD: bytes = cv2.imencode(".png", pictures.head(448, 416, x=200, y=215, tall=330))[1].tobytes()


class SlowEngine:
    """The real engine on a machine where a photo takes *PHOTO_S*."""

    def __init__(self, engine: PackEngine, clock: ManualClock) -> None:
        self._engine, self._clock = engine, clock

    def template(self, photo: bytes) -> Probe:
        """As the engine's."""
        self._clock.advance(PHOTO_S)
        return self._engine.template(photo)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


class Core:
    """The other end of the socket, and a program that takes turns when told."""

    def __init__(self, path: Path, engine: PackEngine, clock: ManualClock) -> None:
        self.engine, self.clock = engine, clock
        self._listener = listen(path)
        normal = np.random.default_rng(1).standard_normal
        self.faces = faces = FaceWork(SlowEngine(engine, clock), Faces(), normal)
        seconds = lambda: clock.monotonic_ns() / 1e9  # noqa: E731
        backoff = Backoff(BackoffPolicy(0.01, 0.01), lambda: 0.0)
        client = CoreClient(path, backoff, seconds, lambda: hello(faces, ""))
        self.program = VisionProgram({}, faces, client, Notifier(""), clock.monotonic_ns)
        self.channel = self.accepted()

    def accepted(self) -> Channel:
        """The program's connection, a new one."""
        self.program._turn()
        return Channel(self._listener.accept()[0])

    def turn(self) -> list[str]:
        """One turn; what the program said in it."""
        self.program._turn()
        said = []
        while (packet := self.channel.receive()) is not None:
            said.append(border.decode_from_vision(packet.data))
        self.heard = said
        return [str(message.message) for message in said]

    def close(self) -> None:
        """Both ends."""
        self.program._client.close()
        self.program._selector.close()
        self.channel.close()
        self._listener.close()


@pytest.fixture
def core(tmp_path: Path, engine: PackEngine, clock: ManualClock) -> Iterator[Core]:
    made = Core(tmp_path / "vision.sock", engine, clock)
    yield made
    made.close()


def order(core: Core, request: int, *photos: bytes) -> None:
    """Ask for templates."""
    asked = border.Embed(request, [len(photo) for photo in photos])
    core.channel.send(border.encode(asked), b"".join(photos))


def test_photos_are_done_one_a_turn_with_a_beat_between_them(core: Core) -> None:
    """All at once, sixteen of them would outlast the watchdog."""
    core.turn()
    order(core, 7, HEAD, b"no photo", HEAD)
    assert [core.turn() for _ in range(4)] == [["beat"], ["beat"], ["embedded", "beat"], []]


def test_the_answer_has_a_verdict_on_each_photo_and_the_templates_of_the_good(core: Core) -> None:
    core.turn()
    person = photo("biden.jpg")
    order(core, 7, person, b"no photo", person)
    for _ in range(3):
        core.turn()
    answer = core.heard[0]
    assert isinstance(answer, border.Embedded)
    assert (answer.request, answer.dim) == (7, 128)
    assert [bool(verdict.refused) for verdict in answer.photos] == [False, True, False]


def test_orders_are_done_in_turn_and_not_for_another_core(core: Core) -> None:
    core.turn()
    order(core, 1, HEAD, HEAD)
    order(core, 2, HEAD)
    assert core.turn() == ["beat"]
    core.channel.close()
    core.program._turn()  # notices that the core is gone
    core.channel = core.accepted()
    assert not [said for _ in range(4) for said in core.turn() if said == "embedded"]


OBAMA = ("knn_examples/train/obama/obama.jpg", "tests/test_images/obama3.jpg")


def searching_for(core: Core, data: bytes, *, exercise: bool) -> None:
    """The photo's person stands in the gallery as ``w-1``."""
    row = core.engine.template(data).vector
    index = encode_index([GalleryRow("w-1", exercise, 1)])
    told = border.Gallery(1, core.engine.model_id, core.engine.dim, len(index))
    core.channel.send(border.encode(told), index + row.astype("<f4").tobytes())


@pytest.mark.parametrize(
    ("entry_id", "exercise", "own", "refused"),
    [
        ("w-2", False, 1, True),
        ("w-1", False, 1, False),
        ("w-2", True, 1, False),
        ("w-2", False, 0, False),
    ],
)
def test_the_same_person_under_another_id_is_refused(
    core: Core, entry_id: str, *, exercise: bool, own: int, refused: bool
) -> None:
    """Not under its own id, not for a drill, and not as somebody's look-alike."""
    core.turn()
    searching_for(core, photo(OBAMA[0]), exercise=False)
    again = photo(OBAMA[0])
    core.channel.send(border.encode(border.Embed(8, [len(again)], entry_id, exercise, own)), again)
    core.turn()
    answer = next(m for m in core.heard if isinstance(m, border.Embedded))
    assert answer.photos[0].refused.startswith("same-person: looks like entry w-1") is refused


def test_somebody_else_is_not_taken_for_the_same_person(core: Core) -> None:
    core.turn()
    searching_for(core, photo(OBAMA[0]), exercise=False)
    other = photo("biden.jpg")
    core.channel.send(border.encode(border.Embed(8, [len(other)], "w-2", own=1)), other)
    core.turn()
    answer = next(m for m in core.heard if isinstance(m, border.Embedded))
    assert answer.photos[0].refused == ""


def passed_by(core: Core, count: int) -> None:
    """So many strangers were compared and went."""
    strangers = core.faces._strangers
    assert strangers is not None
    for _ in range(count):
        strangers.add(np.full(core.engine.dim, 0.09, np.float32), 20)
        strangers.ended(0.3)


def told(core: Core) -> list[border.Strangers]:
    core.clock.advance(1.0)
    core.turn()
    return [m for m in core.heard if isinstance(m, border.Strangers)]


def test_statistics_go_to_the_core_in_hundreds_and_never_in_less(core: Core) -> None:
    core.turn()
    passed_by(core, border.FEWEST_TRACKS - 1)
    assert told(core) == []
    passed_by(core, 1)
    (message,) = told(core)
    assert (message.tracks, sum(message.scores)) == (200, 200)
    assert message.model_id == core.engine.model_id
    assert told(core) == []


def test_switching_faces_off_forgets_what_was_gathered(core: Core) -> None:
    core.turn()
    passed_by(core, border.FEWEST_TRACKS - 1)
    for on in (False, True):
        core.channel.send(border.encode(border.FaceSwitch(on=on)))
        core.turn()
    passed_by(core, 1)
    assert told(core) == []


def rows_of(core: Core, count: int, generation: int) -> None:
    """A gallery of so many strangers, on its way to the program."""
    index = encode_index([GalleryRow(f"w-{n}", False, 1) for n in range(count)])
    told = border.Gallery(generation, core.engine.model_id, core.engine.dim, len(index))
    rows = np.random.default_rng(3).normal(0, 0.1, (count, core.engine.dim)).astype("<f4")
    core.channel.send(border.encode(told), index + rows.tobytes())


class Ticking(ManualClock):
    """Each look at the clock takes *TICK_NS*."""

    def monotonic_ns(self) -> int:
        """Later than before."""
        self.advance(TICK_NS / 1e9)
        return super().monotonic_ns()


TICK_NS = 4_000_000


def test_a_large_gallery_is_read_between_frames_and_put_in_place_whole(
    tmp_path: Path, engine: PackEngine
) -> None:
    core = Core(tmp_path / "vision.sock", engine, Ticking())
    rows_of(core, 1, 1)
    while core.faces.generation != 1:
        core.program._turn()
    rows_of(core, 20_000, 2)
    core.program._turn()
    entries, turns = [core.faces.entries], 0
    while core.faces.generation != 2:
        assert core.program._wait_s() == 0
        core.program._turn()
        entries.append(core.faces.entries)
        turns += 1
    assert turns > 5
    assert sorted(set(entries)) == [1, 20_000]
    core.close()


def test_photos_wait_for_the_gallery_that_was_sent_before_them(
    tmp_path: Path, engine: PackEngine
) -> None:
    core = Core(tmp_path / "vision.sock", engine, Ticking())
    rows_of(core, 20_000, 1)
    order(core, 7, HEAD)
    while "embedded" not in core.turn():
        assert len(core.program._photos) <= 1
    assert core.faces.entries == 20_000
    core.close()


def test_a_gallery_that_cannot_be_used_leaves_the_one_before_and_counts_as_done(core: Core) -> None:
    rows_of(core, 2, 1)
    core.turn()
    told = border.Gallery(2, core.engine.model_id, core.engine.dim, 3)
    core.channel.send(border.encode(told), b"[5]")
    core.turn()
    assert (core.faces.entries, core.faces.generation) == (2, 2)


def test_of_two_galleries_in_a_row_the_newer_is_searched(
    tmp_path: Path, engine: PackEngine
) -> None:
    core = Core(tmp_path / "vision.sock", engine, Ticking())
    rows_of(core, 20_000, 1)
    core.turn()
    rows_of(core, 3, 2)
    while core.faces.generation != 2:
        core.turn()
    assert core.faces.entries == 3
    core.close()
