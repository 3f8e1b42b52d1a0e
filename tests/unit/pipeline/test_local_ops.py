"""What a person at the gate may ask the running agent."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from agent.config.schema.root import Config
from agent.core.audit import AuditKind
from agent.core.clock import ManualClock
from agent.core.errors import CheckFailedError, RefusedError
from agent.core.events import Event, InputChanged, LatchReset
from agent.core.health import HealthBoard
from agent.core.ports import Limits
from agent.incidents.book import IncidentBook
from agent.outbox.outbox import Outbox
from agent.outbox.segments.store import SegmentStore
from agent.pipeline.local_ops import LocalOperations
from agent.watchlist.service import Watchlist
from agent.watchlist.store import WatchlistStore
from devices.panel import Panel
from tests.support.audit import Recorder
from tests.support.outbox import Loop
from tests.support.samples import ADDRESS, Numbers, gate
from tests.support.signed import DAY_S, TRUSTED, listed, template, utc, watchlist
from tests.support.timers import Timers

ROW = b"\0\0\x80?"


class Bench:
    """A running agent's parts, as far as the local socket needs them."""

    def __init__(self, folder: Path, clock: ManualClock, config: Config) -> None:
        self.clock = clock
        self.timers = Timers(clock)
        self.events: list[Event] = []
        self.audit = Recorder()
        self.panel = Panel(
            config,
            work_dir=folder,
            clock=clock,
            post=lambda call: call(),
            later=self.timers.later,
            emit=self.events.append,
        )
        self.panel.open()
        self.events.clear()
        self.outbox = Outbox(
            SegmentStore(folder / "outbox"),
            Limits(100, 1 << 60),
            clock=clock,
            post=Loop().post,
            on_state=lambda *_: None,
            on_counters=lambda _: None,
        )
        self.watchlist = Watchlist(
            WatchlistStore(folder / "watchlist.json"),
            TRUSTED,
            ADDRESS,
            clock,
            on_change=lambda _: None,
            audit=self.audit,
        )
        self.health = HealthBoard()
        self.disk: Callable[[], bool] = lambda: False
        self.operations = LocalOperations(
            panel=self.panel,
            health=self.health,
            outbox=self.outbox,
            writing=lambda: self.outbox.writing or self.disk(),
            book=IncidentBook(Numbers().new),
            watchlist=self.watchlist,
            clock=clock,
            put=self.events.append,
            identity=lambda: {"gate": ADDRESS.client_id},
            audit=self.audit,
        ).table()

    def ask(self, op: str, **request: Any) -> Any:
        """Ask one of the operations."""
        answer = self.operations[op](request)
        return asyncio.run(_answered(answer)) if asyncio.iscoroutine(answer) else answer

    def moved(self) -> list[tuple[str, str]]:
        """What the inputs said, after a second."""
        self.timers.wait(1)
        return [(e.device, e.state.value) for e in self.events if isinstance(e, InputChanged)]


async def _answered(answer: Any) -> Any:
    return await answer


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Iterator[Bench]:
    bench = Bench(tmp_path, clock, gate())
    yield bench
    bench.panel.close()


def document(bench: Bench, *entries: dict[str, Any], **fields: Any) -> str:
    return base64.b64encode(watchlist(bench.clock, list(entries), **fields)).decode("ascii")


def made(bench: Bench, name: str, **fields: Any) -> dict[str, Any]:
    values = {"photos": ..., "templates": [template("dlib", ROW)], **fields}
    return listed(bench.clock, entry_id=name, **values)


def test_the_status_tells_everything_at_once(bench: Bench) -> None:
    status = bench.ask("status")
    assert status["gate"] == "cancheng.liya-garden.gate-1"
    assert status["healthy"] is True
    assert status["inputs"]["panic-1"] == "released"
    assert status["outputs"] == {"siren-1": False, "beacon-1": False, "lock-1": False}
    assert status["outbox"] == {"pending": 0, "oldest_s": 0.0}
    assert (status["issues"], status["incidents"], status["components"]) == ([], {}, {})


@pytest.mark.parametrize(
    ("verb", "name", "told"),
    [
        ("open", "door-1", ("door-1", "open")),
        ("cut", "loop-1", ("loop-1", "cut")),
        ("short", "loop-1", ("loop-1", "shorted")),
        ("cut", "panic-1", ("panic-1", "pressed")),
    ],
)
def test_simulated_inputs_are_moved(
    bench: Bench, verb: str, name: str, told: tuple[str, str]
) -> None:
    assert bench.ask("sim", verb=verb, name=name) == {"did": f"{verb} {name}"}
    assert bench.moved() == [told]
    bench.ask("sim", verb="restore", name=name)
    assert len(bench.moved()) == 2


def test_a_press_lasts_half_a_second_or_as_long_as_it_is_told(bench: Bench) -> None:
    assert bench.ask("sim", verb="press", name="panic-1") == {"did": "pressed panic-1 for 0.5 s"}
    assert bench.moved() == [("panic-1", "pressed"), ("panic-1", "released")]
    bench.ask("sim", verb="press", name="medical-1", for_s=5)
    assert bench.moved()[2:] == [("medical-1", "pressed")]


def test_a_press_is_answered_once_nothing_of_it_is_on_its_way_to_the_disk(bench: Bench) -> None:
    looks = iter([True, True, True, False])
    bench.disk = lambda: next(looks)
    bench.ask("sim", verb="press", name="panic-1")
    assert list(looks) == []


@pytest.mark.parametrize("for_s", [0, -1, 3601, float("nan"), float("inf"), "long", None])
def test_a_press_has_a_length(bench: Bench, for_s: object) -> None:
    with pytest.raises(CheckFailedError, match="a press lasts more than 0 and at most 3600 s"):
        bench.ask("sim", verb="press", name="panic-1", for_s=for_s)
    assert bench.moved() == []


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"verb": "kick", "name": "door-1"}, "'kick' is no move"),
        ({"name": "door-1"}, "'None' is no move"),
        ({"verb": "open", "name": "door-9"}, "there is no input 'door-9'"),
        ({"verb": "open", "name": "panic-1"}, "cannot open 'panic-1'"),
    ],
)
def test_what_cannot_be_moved_is_refused(bench: Bench, request_: dict[str, Any], told: str) -> None:
    with pytest.raises(CheckFailedError, match=told):
        bench.ask("sim", **request_)


@pytest.mark.skipif(find_spec("lgpio") is not None, reason="this machine may have real pins")
def test_real_pins_are_not_moved_by_commands(tmp_path: Path, clock: ManualClock) -> None:
    bench = Bench(tmp_path, clock, gate(("pin_factory: mock", "pin_factory: lgpio")))
    with pytest.raises(CheckFailedError, match="no simulated pins"):
        bench.ask("sim", verb="press", name="panic-1")


@pytest.mark.parametrize(("name", "did"), [(None, "reset all"), ("panic-1", "reset panic-1")])
def test_a_reset_is_put_in_with_who_asked(bench: Bench, name: str | None, did: str) -> None:
    assert bench.ask("reset", name=name, by="guard Li") == {"did": did}
    (event,) = bench.events
    assert isinstance(event, LatchReset)
    assert (event.device, event.by) == (name, "guard Li")


@pytest.mark.parametrize(
    ("op", "fields"),
    [
        ("reset", {"name": ["panic-1"]}),
        ("reset", {"name": {}}),
        ("watchlist.expire", {"entries": 5}),
    ],
)
def test_a_field_of_another_kind_is_refused(bench: Bench, op: str, fields: dict[str, Any]) -> None:
    with pytest.raises(CheckFailedError):
        bench.ask(op, **fields)


def test_a_reset_of_what_is_not_there_is_refused(bench: Bench) -> None:
    with pytest.raises(CheckFailedError, match="there is no input 'x'"):
        bench.ask("reset", name="x")
    assert bench.events == []


def test_a_watchlist_is_imported_listed_and_expired(bench: Bench) -> None:
    answer = bench.ask(
        "watchlist.import",
        document=document(bench, made(bench, "a"), made(bench, "b"), {"entry_id": "bad"}),
    )
    assert (answer["version"], answer["status"]) == (1, "Actual")
    assert [row["entry_id"] for row in answer["entries"]] == ["a", "b"]
    assert [row["entry_id"] for row in answer["rejected"]] == ["bad"]
    (row, _) = bench.ask("watchlist.list")["entries"]
    assert row == {
        "entry_id": "a",
        "list": "wanted",
        "status": "Actual",
        "state": "active",
        "category": "robbery",
        "authority": "Cancheng PSB",
        "expires_at": utc(bench.clock, 30 * DAY_S),
        "templates": 1,
    }
    assert bench.ask("watchlist.expire", entries=["a"]) == {"deleted": ["a"]}
    assert bench.ask("watchlist.expire") == {"deleted": []}
    bench.clock.advance(30 * DAY_S)
    assert bench.ask("watchlist.expire") == {"deleted": ["b"]}


def test_an_import_tells_of_its_own_document_only(bench: Bench) -> None:
    bench.ask("watchlist.import", document=document(bench, made(bench, "a")))
    drill = document(bench, made(bench, "drill-1"), status="Exercise")
    answer = bench.ask("watchlist.import", document=drill)
    assert answer["status"] == "Exercise"
    assert [row["entry_id"] for row in answer["entries"]] == ["drill-1"]


@pytest.mark.parametrize("text", ["not base64!", "AAA", None])
def test_a_document_that_did_not_arrive_whole_is_refused(bench: Bench, text: object) -> None:
    with pytest.raises((CheckFailedError, RefusedError)):
        bench.ask("watchlist.import", document=text)


def test_a_refused_document_says_why(bench: Bench) -> None:
    with pytest.raises(RefusedError, match="wrong-node"):
        bench.ask("watchlist.import", document=document(bench, node="a.b.c"))


def test_entries_that_are_not_there_cannot_be_ended_and_none_is(bench: Bench) -> None:
    bench.ask("watchlist.import", document=document(bench, made(bench, "a")))
    with pytest.raises(CheckFailedError, match="there is no entry x, y"):
        bench.ask("watchlist.expire", entries=["a", "x", "y"])
    assert len(bench.ask("watchlist.list")["entries"]) == 1


def test_who_looks_imports_and_ends_entries_is_written_down(bench: Bench) -> None:
    who = {"peer": "uid 1000"}
    bench.ask("watchlist.import", document=document(bench, made(bench, "w-1")), **who)
    bench.ask("watchlist.list", **who)
    bench.ask("watchlist.expire", entries=["w-1"], **who)
    bench.ask("status", **who)
    assert [(kind, by) for kind, by, _ in bench.audit.notes] == [
        (AuditKind.WATCHLIST, "uid 1000"),
        (AuditKind.VIEW, "uid 1000"),
        (AuditKind.DELETION, "uid 1000"),
    ]
    assert bench.audit.notes[1][2] == {"store": "watchlist", "entries": 1}
    assert bench.audit.notes[2][2] == {"store": "watchlist", "entry": "w-1"}
