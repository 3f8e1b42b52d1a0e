"""The core's end of the border, played by the bench: galleries out, beats in, vision timed."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent.border import messages as border
from agent.border.channel import Channel, listen
from agent.border.gallery_index import GalleryRow, encode_index
from bench.gate import Gate
from bench.watched import Watched, read
from models.nearness import Rows
from provisioning.demo.children import Child

START_S = 60.0
_Message = TypeVar("_Message", border.Hello, border.Beat)


@dataclass(slots=True)
class PlayedCore:
    """One connection of the vision program. ``born_ns`` when its process was started."""

    channel: Channel
    hello: border.Hello
    result: Path
    born_ns: int
    generation: int = 0
    _order: border.Gallery | None = None

    def prepared(self, rows: Rows) -> bytes:
        """The next order and what goes beside it, as a core has it ready."""
        self.generation += 1
        names = (f"w-{n:06}" for n in range(len(rows)))
        listed = [GalleryRow(name, exercise=True, templates=1) for name in names]
        index = encode_index(listed)
        model_id = self.hello.model_id or ""
        self._order = border.Gallery(self.generation, model_id, rows.shape[1], len(index))
        return index + rows.astype("<f4").tobytes()

    def send(self, beside: bytes) -> int:
        """Send what was prepared; monotonic ns of when sending began."""
        start_ns = time.monotonic_ns()
        if self._order is None:
            raise RuntimeError("no gallery is prepared")
        self.channel.send(border.encode(self._order), beside)
        return start_ns

    def wait(self) -> None:
        """Hear beats until one says that the gallery is in use."""
        while heard(self.channel, border.Beat).generation != self.generation:
            pass

    def search(self, rows: Rows) -> None:
        """Have *rows* searched, each an entry of a drill."""
        self.send(self.prepared(rows))
        self.wait()

    def seen(self) -> Watched:
        """What the program saw; once it is stopped."""
        return read(self.result)


@contextmanager
def played_core(made: Gate) -> Iterator[PlayedCore]:
    """Start the vision program of *made* under a stop-watch and take the core's place."""
    path = made.folder / "run" / "vision.sock"
    path.parent.mkdir()
    result = made.folder / "seen.json"
    with listen(path) as listener:
        born_ns = time.monotonic_ns()
        child = watched(made, result)
        select.select([listener], [], [], START_S)
        channel = Channel(listener.accept()[0])
        yield PlayedCore(channel, heard(channel, border.Hello), result, born_ns)
        child.stop()
        channel.close()


def watched(made: Gate, result: Path) -> Child:
    """The vision program under a stop-watch, started."""
    command = [sys.executable, "-m", "bench.watched", str(result), str(made.config)]
    child = made.children["vision"] = Child("vision", command, made.folder / "log")
    child.start()
    return child


def heard(channel: Channel, kind: type[_Message]) -> _Message:
    """The next message of *kind*."""
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s:
        packet = channel.receive()
        if packet is None:
            select.select([channel.fileno()], [], [], 1.0)
        elif isinstance(message := border.decode_from_vision(packet.data), kind):
            return message
    raise RuntimeError(f"vision does not say {kind.__name__}")
