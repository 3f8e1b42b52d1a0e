"""The core's end of the border: listens for the vision program and talks with it.

Vision touches hostile streams, so everything it says is checked and a wrong word ends the
connection. At most one vision program is heard; a newer connection replaces the older one.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import assert_never

from agent.border import messages as border
from agent.border.channel import Channel, ChannelClosedError, ChannelFullError, Packet, listen
from agent.border.gallery_index import GalleryRow, encode_index
from agent.border.protection import Convert, Converted, Protect
from agent.config.schema.evidence import NO_BASIS
from agent.core.clock import Clock, stamp, stamp_at
from agent.core.errors import DeviceError
from agent.core.events import Event, FaceLead, FaceReview
from agent.core.ids import CameraName, EntryId
from agent.core.seed import Seed
from agent.pipeline.vision_watch import VisionWatch

log = logging.getLogger(__name__)

CHECK_S = 1.0
NOBODY = border.Meant()
MAX_MESSAGES_A_TURN = 64
Made = Callable[[border.Embedded, bytes], None]
MadeOver = Callable[[Converted, bytes], None]
Offer = Callable[[str, bytes], str]


class VisionPort:
    """Runs on the loop. ``put`` takes the events that vision's words become."""

    def __init__(
        self,
        path: Path,
        group: str | None,
        watch: VisionWatch,
        *,
        clock: Clock,
        put: Callable[[Event], None],
        on_hello: Callable[[border.Hello], None],
        on_beat: Callable[[border.Beat], None],
        on_gone: Callable[[], None],
        on_strangers: Callable[[border.Strangers], None] = lambda _: None,
        offer: Offer = lambda *_: NO_BASIS,
    ) -> None:
        """*offer* takes the picture of a lead by its name, and says why where it does not."""
        self._path = path
        self._group = group
        self._clock = clock
        self._put = put
        self._on_hello = on_hello
        self._on_beat = on_beat
        self._on_gone = on_gone
        self._on_strangers = on_strangers
        self._offer = offer
        self._listener: socket.socket | None = None
        self._channel: Channel | None = None
        self._requests: dict[int, Made] = {}
        self._request = 0
        self._generation = 0
        self._transform = ""
        self._conversions: dict[int, MadeOver] = {}
        self.faces_off = False
        self._settling: list[tuple[int, Callable[[], None]]] = []
        self.watch = watch
        self.hello: border.Hello | None = None

    def open(self) -> None:
        """Listen; DeviceError when the socket cannot be made."""
        try:
            self._listener = listen(self._path, self._group)
        except OSError as error:
            raise DeviceError(f"{self._path} cannot be opened: {error}") from error
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    async def run(self) -> None:
        """Notice silence, until cancelled."""
        while True:
            for change in self.watch.check(stamp(self._clock)):
                self._put(change)
            await asyncio.sleep(CHECK_S)

    def close(self) -> None:
        """Hang up and stop listening."""
        self._hang_up("closing")
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            self._path.unlink(missing_ok=True)

    def embed(self, photos: Sequence[bytes], done: Made, meant: border.Meant = NOBODY) -> bool:
        """Have templates made of photos; ``done`` hears the answer, or never when vision goes.

        False when vision does not listen now; ``done`` is not called then.
        """
        self._request += 1
        sizes = [len(photo) for photo in photos]
        message = border.Embed(self._request, sizes, meant.entry_id, meant.exercise, meant.own)
        heard = self._send(message, b"".join(photos))
        if heard:
            self._requests[self._request] = done
        return heard

    def gallery(self, rows: list[GalleryRow], matrix: bytes) -> bool:
        """Replace what vision searches; False when vision does not listen now."""
        if self.hello is None or self.hello.model_id is None:
            return False
        self._generation += 1
        index = encode_index(rows)
        count = sum(row.templates + row.look_alikes for row in rows)
        dim = len(matrix) // 4 // count if count else 1
        message = border.Gallery(
            self._generation, self.hello.model_id, dim, len(index), self._transform
        )
        return self._send(message, index + matrix)

    def protect(self, seed: Seed) -> bool:
        """Have every template transformed by *seed*; False when vision does not listen now."""
        self._transform = seed.name
        return self._send(Protect(seed.name), seed.secret)

    def convert(self, matrix: bytes, dim: int, seed: Seed | None, done: MadeOver) -> bool:
        """Have rows under *seed* (None: as made) brought under the one of now, as ``embed``."""
        self._request += 1
        beside = matrix if seed is None else seed.secret + matrix
        heard = self._send(Convert(self._request, dim, seed is not None), beside)
        if heard:
            self._conversions[self._request] = done
        return heard

    @property
    def review_only(self) -> bool:
        """True while vision's leads are for a person's review only."""
        return self.hello is not None and self.hello.review_only

    def settle(self, done: Callable[[], None]) -> None:
        """Call *done* when a beat says that the newest gallery is in use; not when vision goes."""
        self._settling.append((self._generation, done))

    def switch_faces(self, *, on: bool) -> None:
        """Stop or resume all face work."""
        self.faces_off = not on
        self._send(border.FaceSwitch(on))

    def _send(self, message: border.FromCore, beside: bytes = b"") -> bool:
        if self._channel is None:
            return False
        try:
            self._channel.send(border.encode(message), beside)
        except ChannelFullError:
            log.warning("the vision program does not read; %s is not sent", message.message)
            return False
        except ChannelClosedError as error:
            self._hang_up(str(error))
            return False
        return True

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        self._hang_up("a newer vision program connected")
        self._channel = Channel(sock)
        asyncio.get_running_loop().add_reader(self._channel, self._readable)
        log.info("vision program connected (pid %d)", _peer_pid(sock))

    def _readable(self) -> None:
        for _ in range(MAX_MESSAGES_A_TURN):
            if self._channel is None:
                return
            try:
                packet = self._channel.receive()
                if packet is None:
                    return
                self._hear(packet)
            except border.BorderError as error:
                self._hang_up(str(error))

    def _hear(self, packet: Packet) -> None:
        message = border.decode_from_vision(packet.data)
        now = stamp(self._clock)
        match message:
            case border.Hello():
                self.hello = message
                self.watch.hello()
                self._on_hello(message)
            case border.Beat():
                self._settle(message.generation)
                self._on_beat(self._of_known_cameras(message))
                for change in self.watch.beat(message, now):
                    self._put(change)
            case border.CameraReport():
                for change in self.watch.report(message, now):
                    self._put(change)
            case border.Sighting():
                self._sighting(message, packet.beside)
            case border.Strangers():
                self._on_strangers(message)
            case border.Embedded() | Converted():
                self._answered(message, packet.beside)
            case _:
                assert_never(message)

    def _answered(self, answer: border.Embedded | Converted, rows: bytes) -> None:
        """Whoever asked hears it, once."""
        if isinstance(answer, Converted):
            over = self._conversions.pop(answer.request, None)
            if over is not None:
                over(answer, rows)
            return
        done = self._requests.pop(answer.request, None)
        if done is not None:
            done(answer, rows)

    def _settle(self, in_use: int) -> None:
        settled = [done for wanted, done in self._settling if wanted <= in_use]
        self._settling = [each for each in self._settling if each[0] > in_use]
        for done in settled:
            done()

    def _of_known_cameras(self, beat: border.Beat) -> border.Beat:
        """*beat* without cameras that this gate does not have: their names are vision's word."""
        known = {n: f for n, f in beat.cameras.items() if n in self.watch.states}
        return dataclasses.replace(beat, cameras=known)

    def _sighting(self, seen: border.Sighting, jpeg: bytes) -> None:
        """A lead, or a likeness for a person's review; vision's word alone makes no lead."""
        attended = self.hello is None or self.hello.review_only
        lead = FaceLead(
            at=stamp_at(self._clock, seen.monotonic_ns),
            camera=CameraName(seen.camera),
            track=seen.track,
            entry_id=EntryId(seen.entry_id),
            exercise=seen.exercise,
            score=seen.score,
            threshold=seen.threshold,
            margin=seen.margin,
            frames=seen.frames,
            quality=seen.quality,
            model_id=seen.model_id,
            direction=seen.direction,
            review_only=attended,
            liveness=seen.liveness,
        )
        held = attended and not seen.exercise
        if held or seen.band != "lead":
            self._put(FaceReview(lead.at, lead, held))
        else:
            self._put(self._pictured(lead, seen, jpeg))

    def _pictured(self, lead: FaceLead, seen: border.Sighting, jpeg: bytes) -> FaceLead:
        """*lead* with its picture, or with why it has none."""
        if not seen.picture:
            return dataclasses.replace(lead, withheld=seen.withheld)
        why = self._offer(seen.picture, jpeg)
        return dataclasses.replace(lead, picture="" if why else seen.picture, withheld=why)

    def _hang_up(self, reason: str) -> None:
        channel, self._channel = self._channel, None
        if channel is None:
            return
        log.info("vision program gone: %s", reason)
        asyncio.get_running_loop().remove_reader(channel)
        channel.close()
        self.hello = None
        self._requests.clear()
        self._conversions.clear()
        self._transform = ""
        self._settling.clear()
        self.watch.hung_up()
        self._on_gone()


def _peer_pid(sock: socket.socket) -> int:
    size = struct.calcsize("3i")
    pid, _, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(pid)
