"""Keypads and card readers: the kernel's bytes made into entries, through a real pipe too."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import DeviceError
from agent.core.secret import Secret
from devices.keying import EV_KEY, EV_SYN, EVENT, SYN_DROPPED, SYN_REPORT, Entry, Keying
from devices.readers import Reader
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
