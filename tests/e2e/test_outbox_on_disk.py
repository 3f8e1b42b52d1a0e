"""The segment log on a real file system: what reaches the device, a full disk, a failing sync."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from agent.core.errors import StoreFullError
from agent.core.ports import Entry, Lane
from agent.outbox.segments.store import SegmentStore
from tests.support.samples import entry
from tests.tools.disks import ext4

ROOT = Path(__file__).parents[2]
CUTS = 8


def held(store: SegmentStore, lane: Lane = Lane.ALARM) -> list[Entry]:
    return [found for _, found in store.read(lane, 0, 100_000)]


def test_what_was_reported_is_on_the_device_at_that_moment(tmp_path: Path) -> None:
    """The device as it is between two writes, mounted elsewhere: nothing waits in memory."""
    with ext4(tmp_path / "disk") as folder:
        store = SegmentStore(folder / "outbox")
        store.open()
        live: list[Entry] = []
        for cut in range(CUTS):
            for number in range(cut * 120, cut * 120 + 120):
                one = entry(number, body=os.urandom(1500))
                store.write([one], [])
                live.append(one)
                if number % 3:
                    store.write([], [live.pop(len(live) // 2).id])
            image = tmp_path / f"cut-{cut}"
            shutil.copyfile(tmp_path / "disk", image)
            with ext4(image, new=False) as found:
                again = SegmentStore(found / "outbox")
                again.open()
                assert held(again) == live
                again.close()
            image.unlink()
        store.close()


def test_on_a_disk_that_is_full_acks_are_recorded_and_events_give_way(tmp_path: Path) -> None:
    with ext4(tmp_path / "disk") as folder:
        store = SegmentStore(folder / "outbox")
        store.open()
        take_all_room(folder / "filler")
        with pytest.raises(StoreFullError):
            store.write([entry(n, Lane.EVENT, body=bytes(1500)) for n in range(1000)], [])
        events = appended_until_full(store)
        assert not store.has_room()
        alarms = [entry(n, body=os.urandom(1500)) for n in range(100)]
        for alarm in alarms:
            store.write([alarm], [])
        left = held(store, Lane.EVENT)
        assert 0 < len(left) < events
        for event in left:
            store.write([], [event.id])
        assert held(store) == alarms
        store.close()
        assert store.open().session == 2
        assert held(store) == alarms
        store.close()


def take_all_room(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(65536)):
            pass


def appended_until_full(store: SegmentStore) -> int:
    """How many events fitted."""
    for number in range(10_000):
        try:
            store.write([entry(number, Lane.EVENT, body=bytes(1500))], [])
        except StoreFullError:
            return number
    raise AssertionError("it never got full")


FAILING = """
import sys
from pathlib import Path
from agent.core.errors import StoreError
from agent.outbox.segments.store import SegmentStore
from tests.support.samples import entry
store = SegmentStore(Path(sys.argv[1]))
store.open()
failed = 0
for number in range(1, 40):
    while True:
        try:
            store.write([entry(number)], [])
        except StoreError as error:
            failed += 1
            assert "Input/output error" in str(error), error
            while True:
                try:
                    store.open()
                except StoreError:
                    continue
                break
        else:
            break
print(failed, *(found.seq for _, found in store.read(0, 0, 1000)))
"""


def test_a_sync_that_fails_is_answered_by_other_files(tmp_path: Path) -> None:
    """Every ninth sync fails, of files and of folders."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    outbox, log = tmp_path / "outbox", tmp_path / "strace.log"
    faults = [f"--inject={call}:error=EIO:when=20+9" for call in ("fdatasync", "fsync")]
    command = ["strace", "-f", "-y", "-o", log, "-e", "trace=fdatasync,fsync", *faults]
    said = subprocess.run(
        [*map(str, command), sys.executable, "-c", FAILING, str(outbox)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    failed, *seqs = map(int, said.stdout.split())
    assert failed > 3
    assert seqs == list(range(1, 40))
    lines = log.read_text().splitlines()
    for place, line in enumerate(lines):
        if "EIO" in line and ".segment" in line:
            name = line[line.index("<") : line.index(">")]
            same = [later for later in lines[place + 1 :] if name in later]
            assert not same, "no sync is tried again on a file where one failed"
    store = SegmentStore(outbox)
    store.open()
    assert [found.seq for found in held(store)] == seqs
    store.close()
