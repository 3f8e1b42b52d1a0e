"""Keypads and card readers: the kernel's bytes made into entries, through a real pipe too."""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.core.backoff import BackoffPolicy
from agent.core.clock import ManualClock
from agent.core.errors import DeviceError
from agent.core.secret import Secret
from devices.keying import EV_KEY, EV_SYN, EVENT, SYN_DROPPED, SYN_REPORT, Entry, Keying
from devices.readers import Reader, keep_open
from tests.tools.keys import ENTER, Pad, typed

S = 1_000_000_000


def entries(text: str) -> list[tuple[str, int | None]]:
    return [(e.text.reveal(), e.digit) for e in Keying().feed(typed(text), S)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2580\n", [("2580", None)]),
        ("3*2580\n", [("2580", 3)]),
        ("04A1B2C3\n", [("04A1B2C3", None)]),
        ("12*34\n", [("12*34", None)]),
        ("\n\n", []),
        ("1" * 65 + "\n", []),
        ("2580\n7777\n", [("2580", None), ("7777", None)]),
    ],
)
def test_entries_end_with_enter(text: str, found: list[tuple[str, int | None]]) -> None:
    assert entries(text) == found


def test_bytes_may_come_in_any_pieces() -> None:
    keying, found = Keying(), []
    for byte in typed("3*2580\n"):
        found += keying.feed(bytes([byte]), S)
    assert [(e.text.reveal(), e.digit) for e in found] == [("2580", 3)]


def test_half_an_entry_is_forgotten_after_a_pause_or_a_lost_key() -> None:
    keying = Keying()
    keying.feed(typed("99"), S)
    assert [e.text.reveal() for e in keying.feed(typed("2580\n"), 12 * S)] == ["2580"]
    lost = EVENT.pack(0, 0, EV_SYN, SYN_DROPPED, 0) + EVENT.pack(0, 0, EV_KEY, ENTER, 1)
    found = keying.feed(typed("25") + lost, 13 * S)
    found += keying.feed(EVENT.pack(0, 0, EV_SYN, SYN_REPORT, 0) + typed("80\n"), 13 * S)
    assert [e.text.reveal() for e in found] == ["80"]


def test_an_entry_never_shows_its_code() -> None:
    assert "2580" not in repr(Entry(Secret("2580"), 3))


def test_a_reader_reads_a_real_pipe(tmp_path: Path) -> None:
    found: list[tuple[str, Entry]] = []

    async def run() -> None:
        pad, came, open_ = Pad(tmp_path / "pad"), asyncio.Event(), asyncio.Event()

        def take(name: str, entry: Entry) -> None:
            found.append((name, entry))
            came.set()

        reader = Reader("pad-1", pad.path, ManualClock(), take, pipes=True)
        task = asyncio.create_task(reader.run(open_.set))
        await asyncio.wait_for(open_.wait(), 10)
        pad.type("5*2580")
        await asyncio.wait_for(came.wait(), 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert found == [("pad-1", Entry(Secret("2580"), 5))]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda _: None, "cannot be opened: No such file"),
        (lambda path: os.mkfifo(path), "cannot be had for the gate alone"),
        (lambda path: path.write_bytes(b""), "cannot be had for the gate alone"),
    ],
)
def test_what_cannot_be_grabbed_is_not_used(tmp_path: Path, make: object, why: str) -> None:
    assert callable(make)
    make(tmp_path / "pad")
    reader = Reader("pad-1", tmp_path / "pad", ManualClock(), lambda *_: None)
    with pytest.raises(DeviceError, match=why):
        asyncio.run(reader.run(lambda: None))


class Plug:
    """A line that carries a reader's bytes and can be pulled out: a pseudo-terminal, raw."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hand = self._end = -1

    def put_in(self) -> None:
        self._hand, self._end = pty.openpty()
        tty.setraw(self._end)
        self._path.symlink_to(os.ttyname(self._end))

    def type(self, text: str) -> None:
        os.write(self._hand, typed(f"{text}\n"))

    def pull_out(self) -> None:
        self._path.unlink()
        os.close(self._end)
        os.close(self._hand)


def test_a_reader_that_is_pulled_out_is_told_and_opened_again(tmp_path: Path) -> None:
    told: list[str | None] = []
    found: list[str] = []

    async def run() -> None:
        plug, wake = Plug(tmp_path / "pad"), asyncio.Event()

        def say(what: list[Any], about: Any) -> None:
            what.append(about)
            wake.set()

        async def until(so: Callable[[], bool]) -> None:
            while not so():
                wake.clear()
                await asyncio.wait_for(wake.wait(), 10)

        plug.put_in()
        reader = Reader(
            "pad-1",
            tmp_path / "pad",
            ManualClock(),
            lambda _, entry: say(found, entry.text.reveal()),
            grab=lambda _: None,
        )
        quick = BackoffPolicy(first_s=0.01, max_s=0.02)
        kept = keep_open(reader, "pad-1", lambda _, why: say(told, why), lambda: 0.0, quick)
        task = asyncio.create_task(kept)
        await until(lambda: told == [None])
        plug.type("2580")
        await until(lambda: found == ["2580"])
        plug.type("99")
        plug.pull_out()
        await until(lambda: len(told) > 2)
        plug.put_in()
        await until(lambda: told[-1] is None)
        plug.type("7777")
        await until(lambda: found[-1] == "7777")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        plug.pull_out()

    asyncio.run(run())
    first, gone, *away, again = told
    assert (first, again) == (None, None)
    assert gone is not None
    assert "is gone" in gone
    assert {why is not None and "cannot be opened: No such file" in why for why in away} == {True}


def test_a_grab_that_is_refused_leaves_nothing_open(tmp_path: Path) -> None:
    taken: list[int] = []

    def refuse(descriptor: int) -> None:
        taken.append(descriptor)
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    path = tmp_path / "pad"
    path.write_bytes(b"")
    reader = Reader("pad-1", path, ManualClock(), lambda *_: None, grab=refuse)
    with pytest.raises(DeviceError, match="for the gate alone: Device or resource busy"):
        asyncio.run(reader.run(lambda: None))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(taken[0])
