"""Keys change under a working outbox: everything is still sent, once, and in its order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import StoreFullError
from agent.core.ports import Lane, Limits
from agent.outbox.outbox import Outbox
from bench.sqlite_outbox import SqliteStore
from tests.support.outbox import Loop, RecordingLink, settle
from tests.support.samples import entry
from tests.support.seals import KEY, OTHER_KEY, FixedKeys, sealed

BACKLOG = 700


class Life:
    """An outbox on a sealed store, with the vault's part played by hand."""

    def __init__(self, folder: Path, clock: ManualClock, keys: FixedKeys) -> None:
        self.keys = keys
        self.loop = Loop()
        self.link = RecordingLink(room=10_000)
        self.store = sealed(SqliteStore(folder / "outbox.db"), keys, folder / "aside")
        self.moved: list[str | None] = []
        self.states: list[str] = []
        self.outbox = Outbox(
            self.store,
            Limits(100_000, 1 << 60),
            clock=clock,
            post=self.loop.post,
            on_state=lambda _, reason: self.states.append(reason),
            on_counters=lambda _: None,
            reopen_s=0.0,
            upkeep=lambda: self.moved.append(self.store.reseal()),
        )
        self.outbox.open()
        self.settle()

    def settle(self) -> None:
        """Wait until the writer has done everything."""
        settle(self.outbox, self.loop)

    def offer(self, first: int, last: int) -> None:
        """Alarms by number."""
        for number in range(first, last + 1):
            self.outbox.offer(entry(number), critical=False)
        self.settle()

    def rotate(self) -> None:
        """Another key seals from now on."""
        self.keys.hold(KEY, OTHER_KEY, done=False)
        self.outbox.keep_up()

    @property
    def sent(self) -> list[int]:
        """Numbers in the order of their first sending."""
        return list(dict.fromkeys(json.loads(body)["seq"] for _, body in self.link.sent))

    def send_all(self) -> None:
        """The link carries, and the station acks what it gets."""
        self.outbox.link_up(self.link)
        self.outbox.station(True)
        acked = 0
        while acked < len(self.sent) or not acked:
            for number in self.sent[acked:]:
                self.outbox.acked(f"alarm-{number}")
                acked += 1
            self.settle()


@pytest.fixture
def life(tmp_path: Path, clock: ManualClock) -> Life:
    return Life(tmp_path, clock, FixedKeys(KEY))


def test_a_rotation_in_the_middle_of_a_backlog_keeps_its_order(life: Life) -> None:
    life.offer(1, BACKLOG)
    life.rotate()
    life.offer(BACKLOG + 1, BACKLOG + 50)
    assert life.moved == [None, OTHER_KEY.id]
    life.keys.hold(OTHER_KEY, done=True)
    life.offer(BACKLOG + 51, BACKLOG + 60)
    life.send_all()
    assert life.sent == list(range(1, BACKLOG + 61))
    assert life.store.fill().alarms == 0
    life.outbox.close()


def test_a_rotation_while_the_backlog_goes_out_sends_nothing_twice(life: Life) -> None:
    life.offer(1, BACKLOG)
    life.link.room = 300
    life.outbox.link_up(life.link)
    life.outbox.station(True)
    life.settle()
    life.rotate()
    life.settle()
    life.link.room = 10_000
    life.send_all()
    assert life.sent == list(range(1, BACKLOG + 1))
    assert len(life.link.sent) == BACKLOG + 300
    assert life.store.fill().alarms == 0
    life.outbox.close()


def test_upkeep_that_fails_leaves_a_working_outbox(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise StoreFullError("no room left")

    life.offer(1, 5)
    monkeypatch.setattr(life.store, "reseal", full)
    life.rotate()
    life.settle()
    life.loop.until(lambda: life.states[-1:] == [""])
    life.offer(6, 7)
    life.send_all()
    assert life.sent == list(range(1, 8))
    assert life.store.read(Lane.ALARM, 0, 10) == []
    life.outbox.close()
