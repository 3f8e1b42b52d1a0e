"""A vision program that sees what a test tells it, on the core's real socket.

For what no pack and no video at hand can bring about: an Actual lead, a likeness at one moment.
Photos become templates as the real one makes them; beats tell which gallery is in use.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from agent.border import messages as border
from agent.border.gallery_index import decode_index
from agent.border.protection import Convert, Converted, Protect
from agent.core.backoff import Backoff, BackoffPolicy
from agent.vision.client import CoreClient
from models.transform import SiteTransform

MODEL, DIM = "spoken", 4
TURN_S = 0.05
BEAT_S = 0.5
MET_S = 30.0
QUICK = BackoffPolicy(first_s=0.1, max_s=0.5)


class SpokenVision:
    """Connects to ``vision.sock`` in *run_dir*; a context manager that hangs up.

    It is entered when the core has given the first gallery.
    """

    def __init__(self, run_dir: Path, camera: str, *, review_only: bool = False) -> None:
        self._path = run_dir / "vision.sock"
        self._camera = camera
        self._hello = border.Hello(1, MODEL, review_only, [], "")
        self._said: list[tuple[border.Sighting, bytes]] = []
        self._ended, self._met = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._track = 0
        self._generation = 0
        self.searched: list[str] = []
        self.matrix = b""
        self.transform = SiteTransform("", b"")
        self.refuse = ""

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._met.wait(MET_S):
            self._ended.set()
            raise AssertionError("the core gave no gallery")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(10)

    def see(
        self,
        entry_id: str,
        *,
        band: Literal["lead", "review"] = "lead",
        exercise: bool = False,
        score: float = 0.71,
        picture: bytes = b"",
    ) -> None:
        """Somebody who resembles *entry_id* walks by; *picture* comes with it."""
        self._track += 1
        sighting = border.Sighting(
            self._camera,
            self._track,
            entry_id,
            exercise,
            band,
            score,
            0.65 if band == "lead" else 0.6,
            0.1,
            3,
            0.8,
            MODEL,
            time.monotonic_ns(),
            picture=hashlib.sha256(picture).hexdigest() if picture else "",
        )
        self._said.append((sighting, picture))

    def _run(self) -> None:
        client = CoreClient(
            self._path, Backoff(QUICK, random.random), time.monotonic, lambda: self._hello
        )
        beats, due_s = 0, 0.0
        while not self._ended.wait(TURN_S):
            client.ensure()
            while (heard := client.receive()) is not None:
                self._obey(client, *heard)
            while client.connected and self._said:
                client.send(*self._said.pop(0))
            if time.monotonic() >= due_s:
                beats, due_s = beats + 1, time.monotonic() + BEAT_S
                client.send(self._beat(beats))
        client.close()

    def _obey(self, client: CoreClient, message: border.FromCore, beside: bytes) -> None:
        match message:
            case Protect():
                self.transform = SiteTransform(message.transform, beside)
            case Convert():
                client.send(*self._converted(message, beside))
            case border.Gallery():
                self._generation = message.generation
                rows = decode_index(beside[: message.index_bytes])
                self.searched = [row.entry_id for row in rows]
                self.matrix = beside[message.index_bytes :]
                self._met.set()
            case border.Embed():
                refused = self.refuse
                verdicts = [border.PhotoVerdict(n, refused) for n in range(len(message.sizes))]
                made = b"" if refused else b"\0\0\x80?" * DIM * len(message.sizes)
                told = border.Embedded(message.request, MODEL, DIM, verdicts, self.transform.id)
                client.send(told, made)

    def _converted(self, message: Convert, beside: bytes) -> tuple[Converted, bytes]:
        rows = np.frombuffer(beside[32 * message.seeded :], "<f4")
        rows = rows.reshape(-1, message.dim).astype(np.float32)
        if message.seeded:
            rows = SiteTransform("", beside[:32]).undo(rows)
        told = Converted(message.request, message.dim, self.transform.id)
        return told, self.transform.apply(rows).tobytes()

    def _beat(self, number: int) -> border.Beat:
        return border.Beat(
            number, {}, 0, 0, 0, 0, gallery=len(self.searched), generation=self._generation
        )
