"""Documents in chunks, fetched one by one: whole or not at all, and the station is told."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import RefusedError
from agent.pipeline.desired import MISSING_S
from agent.watchlist.store import Applied
from tests.support.chunks import chunk, manifest
from tests.support.samples import ADDRESS
from tests.support.signed import listed, to_bytes, watchlist
from tests.support.station import Gate

LIST = ADDRESS.topic("desired", "watchlist")


class Shelf:
    """A broker that keeps chunks and hands them over when the gate asks."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self.gate = Gate(folder, clock)
        self.clock = clock
        self.kept: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.away = False

    def put(self, sizes: list[int], *, drill: bool = False, **fields: Any) -> None:
        """Publish a list in chunks of so many entries, its manifest last."""
        parts, total = [], 0
        for n, size in enumerate(sizes, start=1):
            names = [f"v{fields.get('version', 1)}-{total + i}" for i in range(size)]
            parts.append(chunk(n, [listed(self.clock, entry_id=name) for name in names]))
            total += size
            self.kept[self.topic(n, drill=drill)] = parts[-1]
        if drill:
            fields["status"] = "Exercise"
        self.hear(manifest(self.clock, parts, total, **fields), drill=drill)

    def hear(self, data: bytes, *, drill: bool = False) -> None:
        """A document."""
        self.gate.hear(ADDRESS.topic("desired", "watchlist", drill=drill), data, retained=True)
        self.serve()

    def serve(self) -> None:
        """Hand over what the gate follows, until it follows nothing that is kept."""
        while not self.away:
            wanted = [topic for topic in self.gate.following if topic in self.kept]
            self.asked += self.gate.following
            self.gate.following = []
            if not wanted:
                return
            for topic in wanted:
                self.gate.hear(topic, self.kept[topic], retained=True)

    def topic(self, n: int, *, drill: bool = False) -> str:
        """Where a chunk stands."""
        return ADDRESS.topic("desired", "watchlist", str(n), drill=drill)

    @property
    def entries(self) -> list[str]:
        """Who stands on the list."""
        return [row.entry_id for row in self.gate.watchlist.listing()]

    @property
    def refusals(self) -> list[str]:
        """What was reported as refused."""
        return [body["refused"] for _, body, _ in self.gate.published if "refused" in body]


@pytest.fixture
def shelf(tmp_path: Path, clock: ManualClock) -> Shelf:
    return Shelf(tmp_path, clock)


@pytest.mark.parametrize("drill", [False, True])
def test_a_list_in_chunks_is_fetched_in_order_and_applied(shelf: Shelf, drill: bool) -> None:
    shelf.put([2, 3, 1], drill=drill)
    assert shelf.asked == [shelf.topic(n, drill=drill) for n in (1, 2, 3)]
    assert shelf.entries == [f"v1-{n}" for n in range(6)]
    assert [a.version for a in shelf.gate.reported] == [1]
    assert shelf.refusals == []
    shelf.gate.timers.wait(1000)
    assert (shelf.refusals, len(shelf.asked)) == ([], 3)


def test_the_same_list_again_is_reported_again_and_not_fetched(shelf: Shelf) -> None:
    shelf.put([1, 1])
    shelf.put([1, 1])
    assert len(shelf.asked) == 2
    first, again = shelf.gate.reported
    assert first == again


def test_entries_that_are_not_those_of_the_hash_change_nothing(shelf: Shelf) -> None:
    shelf.put([1], version=1)
    shelf.put([2], version=2, hash="sha256:" + "5" * 64)
    assert shelf.refusals == ["malformed: its entries are not those of its hash"]
    assert shelf.gate.published[-1][1]["version"] == 1
    assert shelf.entries == ["v1-0"]
    shelf.put([2], version=2)
    assert shelf.entries == ["v2-0", "v2-1"]


def test_an_older_list_is_refused_before_a_chunk_is_asked_for(shelf: Shelf) -> None:
    shelf.hear(watchlist(shelf.clock, [listed(shelf.clock)], version=5))
    shelf.put([1], version=5)
    shelf.put([1], version=4)
    assert shelf.asked == []
    assert [text.split(":")[0] for text in shelf.refusals] == ["older-version"] * 2
    assert shelf.entries == ["w-1"]


def test_a_missing_chunk_is_named_and_what_stood_stays(shelf: Shelf) -> None:
    shelf.hear(watchlist(shelf.clock, [listed(shelf.clock)], version=1))
    shelf.put([1], version=1)
    shelf.kept.clear()
    parts = [chunk(n, [listed(shelf.clock, entry_id=f"n-{n}")]) for n in (1, 2, 3)]
    shelf.kept = {shelf.topic(1): parts[0], shelf.topic(3): parts[2]}
    shelf.hear(manifest(shelf.clock, parts, 3, version=2))
    shelf.gate.published.clear()
    shelf.gate.timers.wait(MISSING_S)
    ((_, body, retain),) = shelf.gate.published
    assert (body["version"], body["refused"]) == (1, "incomplete: chunk 2 of 3 is missing")
    assert retain
    assert shelf.entries == ["w-1"]
    shelf.gate.timers.wait(3600)
    assert len(shelf.gate.published) == 1
    assert len(shelf.asked) < 15
    shelf.kept[shelf.topic(2)] = parts[1]
    shelf.gate.timers.wait(601)
    shelf.serve()
    assert shelf.entries == ["n-1", "n-2", "n-3"]


def test_a_chunk_of_another_version_is_waited_out(shelf: Shelf) -> None:
    parts = [chunk(1, [listed(shelf.clock, entry_id="new")])]
    shelf.kept[shelf.topic(1)] = chunk(1, [listed(shelf.clock, entry_id="old")])
    shelf.hear(manifest(shelf.clock, parts, 1))
    assert shelf.refusals == ["incomplete: chunk 1 of 1 is not the one that the document names"]
    assert shelf.entries == []
    shelf.gate.hear(shelf.topic(1), parts[0])
    assert shelf.entries == ["new"]


def test_a_chunk_that_cannot_be_read_ends_the_document(shelf: Shelf) -> None:
    bad = to_bytes({"doc": "watchlist", "n": 1, "entries": []})
    shelf.kept[shelf.topic(1)] = bad
    shelf.hear(manifest(shelf.clock, [bad], 1))
    assert shelf.refusals[0].startswith("malformed: ")
    shelf.gate.timers.wait(1000)
    assert len(shelf.refusals) == 1


def test_a_link_that_comes_again_and_again_is_asked_each_time_and_no_more(shelf: Shelf) -> None:
    shelf.away = True
    shelf.put([1, 2])
    for _ in range(50):
        shelf.gate.desired.link_up()
    assert shelf.gate.following == [shelf.topic(1)] * 51
    shelf.gate.timers.wait(MISSING_S + 0.1)
    every = ADDRESS.topic("desired", "watchlist", "+")
    assert shelf.gate.following == [*[shelf.topic(1)] * 51, every, shelf.topic(1)]
    shelf.away = False
    shelf.serve()
    assert shelf.entries == ["v1-0", "v1-1", "v1-2"]


def test_chunks_that_no_shelf_keeps_are_heard_when_the_station_says_them_again(
    shelf: Shelf,
) -> None:
    every = ADDRESS.topic("desired", "watchlist", "+")
    shelf.away = True
    shelf.put([1, 2, 1])
    assert every not in shelf.gate.following
    shelf.gate.timers.wait(MISSING_S + 0.1)
    assert every in shelf.gate.following
    for n in (1, 2, 3):
        shelf.gate.hear(shelf.topic(n), shelf.kept[shelf.topic(n)])
    assert shelf.entries == ["v1-0", "v1-1", "v1-2", "v1-3"]
    assert every not in shelf.gate.following


def test_a_newer_document_takes_the_place_of_one_under_way(shelf: Shelf) -> None:
    parts = [chunk(1, [listed(shelf.clock, entry_id="never")])]
    shelf.hear(manifest(shelf.clock, parts, 1, version=2))
    shelf.put([1], version=3)
    assert shelf.entries == ["v3-0"]
    shelf.kept.clear()
    shelf.hear(manifest(shelf.clock, parts, 1, version=4))
    shelf.hear(watchlist(shelf.clock, [listed(shelf.clock)], version=5))
    shelf.kept[shelf.topic(1)] = parts[0]
    shelf.gate.hear(shelf.topic(1), parts[0])
    assert shelf.entries == ["w-1"]
    shelf.gate.timers.wait(1000)
    assert shelf.refusals == []


@pytest.mark.parametrize("topic", ["desired/watchlist/1", "desired/residents/1", "desired/x/1"])
def test_a_chunk_that_nobody_asked_for_is_passed_over(shelf: Shelf, topic: str) -> None:
    shelf.gate.hear(f"{ADDRESS.base}/{topic}", b"garbage", retained=True)
    assert (shelf.gate.published, shelf.gate.control.malformed) == ([], 0)


def test_a_cleared_chunk_is_waited_for(shelf: Shelf) -> None:
    parts = [chunk(1, [listed(shelf.clock)])]
    shelf.hear(manifest(shelf.clock, parts, 1))
    shelf.gate.hear(shelf.topic(1), b"")
    assert shelf.refusals == []
    shelf.gate.hear(shelf.topic(1), parts[0])
    assert shelf.entries == ["w-1"]


def test_a_disk_that_refuses_is_reported(shelf: Shelf) -> None:
    shelf.gate.watchlist._store._storage._path = Path("/nonexistent/watchlist.json")
    shelf.put([1])
    assert shelf.refusals[0].startswith("not-stored: ")
    assert shelf.entries == []


def test_a_list_without_entries_has_to_say_so(shelf: Shelf) -> None:
    shelf.hear(watchlist(shelf.clock, [listed(shelf.clock)], version=1))
    shelf.hear(watchlist(shelf.clock, [], version=2, empty=...))
    assert shelf.refusals == ["empty: a list that withdraws everybody says 'empty': true"]
    assert shelf.entries == ["w-1"]
    shelf.hear(watchlist(shelf.clock, [listed(shelf.clock)], version=2, empty=True))
    assert shelf.refusals[1:] == ["malformed: 'empty' is true, and there are entries"]
    shelf.hear(watchlist(shelf.clock, [], version=2))
    assert shelf.entries == []


def test_after_a_wipe_what_the_broker_keeps_is_not_taken_again(shelf: Shelf) -> None:
    shelf.put([2])
    shelf.gate.watchlist.wipe()
    assert shelf.entries == []
    assert [(a.version, a.hash) for a in shelf.gate.reported][-1] == (0, "")
    shelf.put([2])
    (text,) = shelf.refusals
    assert text == "older-version: version 1 is not newer than 1, which was wiped"
    again = Shelf(shelf.gate.watchlist._store._storage._path.parent, shelf.clock)
    again.put([2])
    assert again.refusals == [text]
    again.put([2], version=2)
    assert again.entries == ["v2-0", "v2-1"]


def test_a_wipe_withdraws_what_is_under_way(shelf: Shelf) -> None:
    parts = [chunk(n, [listed(shelf.clock, entry_id=f"n-{n}")]) for n in (1, 2)]
    shelf.kept[shelf.topic(1)] = parts[0]
    shelf.hear(manifest(shelf.clock, parts, 2, version=4))
    shelf.gate.watchlist.wipe()
    assert shelf.gate.following == []
    shelf.kept[shelf.topic(2)] = parts[1]
    shelf.gate.hear(shelf.topic(2), parts[1])
    shelf.gate.timers.wait(3600)
    assert (shelf.entries, shelf.refusals) == ([], [])
    shelf.hear(manifest(shelf.clock, parts, 2, version=4))
    assert shelf.refusals == ["older-version: version 4 is not newer than 4, which was wiped"]


@pytest.mark.parametrize("first", ["store", "wipe"])
def test_a_wipe_outruns_a_list_that_is_being_stored(shelf: Shelf, first: str) -> None:
    gate, begun = shelf.gate, []
    gate.desired._aside = lambda work, done: begun.append((work, done))
    shelf.put([2], version=4)
    ((work, done),) = begun
    outcome: Future[Applied] = Future()

    def store() -> None:
        try:
            outcome.set_result(work())
        except RefusedError as error:
            outcome.set_exception(error)

    steps = [store, gate.watchlist.wipe]
    for step in steps if first == "store" else reversed(steps):
        step()
    done(outcome)
    assert shelf.entries == []
    assert [a.version for a in gate.reported] == ([0] if first == "store" else [])
    assert len(shelf.refusals) == (first == "wipe")


def test_of_very_many_rejected_entries_the_report_names_the_first(shelf: Shelf) -> None:
    bad = [{"entry_id": f"x-{n}"} for n in range(5000)]
    parts = [chunk(1, bad)]
    shelf.kept[shelf.topic(1)] = parts[0]
    shelf.hear(manifest(shelf.clock, parts, 5000))
    (applied,) = shelf.gate.watchlist.applied()
    told = applied.told()
    assert told["rejected_total"] == 5000
    assert len(to_bytes(told)) < 256 * 1024
    assert len(applied.rejected) == 5000
