"""The watchlist at work: from a signed document to what vision searches, and out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.audit import AuditKind
from agent.core.clock import ManualClock
from agent.core.errors import RefusedError, StoreError
from agent.watchlist.service import branch, load_keys
from contract.words import ListName, Refusal, Status
from tests.support.samples import ADDRESS
from tests.support.signed import DAY_S, TRUSTED, listed, utc, watchlist
from tests.support.vision import ROW, Bench, break_disk


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path, clock)


def test_what_is_over_is_searched_no_more_with_no_network_needed(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made(expires_at=utc(bench.clock, DAY_S)), bench.made(entry_id="b"))
    bench.clock.advance(DAY_S)
    assert bench.list.list_of("w-1", exercise=False) is None
    assert bench.list.expire() == ("w-1",)
    assert bench.vision.searched == ["b"]
    assert [row.entry_id for row in bench.list.listing()] == ["b"]


def test_what_is_over_is_searched_no_more_even_if_the_disk_refuses(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made(expires_at=utc(bench.clock, DAY_S)))
    bench.clock.advance(DAY_S)
    break_disk(bench.path)
    with pytest.raises(StoreError):
        bench.list.expire()
    assert bench.vision.searched == []
    assert [row.state for row in bench.list.listing()] == ["over"]


def test_an_entry_to_come_is_searched_from_its_time_on(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made(not_before=utc(bench.clock, 60)))
    assert (bench.vision.searched, bench.list.list_of("w-1", exercise=False)) == ([], None)
    assert [row.state for row in bench.list.listing()] == ["waiting"]
    bench.clock.advance(60)
    bench.list.expire()
    assert bench.vision.searched == ["w-1"]


def test_a_wall_clock_that_steps_back_does_not_revive_what_was_over_when_we_were_told(
    bench: Bench,
) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    entry = bench.made(expires_at=utc(bench.clock, DAY_S))
    bench.clock.advance(2 * DAY_S)
    bench.apply(bench.made(entry_id="b"))
    bench.clock.step(-10 * DAY_S)
    assert bench.list.now_ns() == bench.clock.utc_ns() + round(10 * DAY_S) * 10**9
    bench.apply(entry, bench.made(entry_id="b"), version=2)
    assert bench.vision.searched == ["b"]
    assert [r.entry_id for r in bench.reported[-1].rejected] == ["w-1"]


def test_the_floor_of_time_holds_over_a_restart(bench: Bench, tmp_path: Path) -> None:
    bench.apply(bench.made())
    told_ns = bench.clock.utc_ns()
    after = Bench(tmp_path, ManualClock("1970-01-01T00:00:10Z", synced=False))
    assert after.list.now_ns() == told_ns
    assert after.list.list_of("w-1", exercise=False) is ListName.WANTED


def test_the_same_list_again_is_reported_again_and_changes_nothing(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    data = watchlist(bench.clock, [listed(bench.clock)])
    first = bench.list.apply(data, drill=None)
    bench.vision.answer(ROW)
    bench.clock.advance(60)
    assert bench.list.apply(data, drill=None) == first
    assert bench.vision.searched == ["w-1"]
    assert bench.reported == [first, first]


def test_a_refused_list_changes_and_reports_nothing(bench: Bench) -> None:
    bench.apply(bench.made(), version=5)
    with pytest.raises(RefusedError) as caught:
        bench.apply(bench.made(entry_id="b"), version=4)
    assert caught.value.reason == Refusal.OLDER_VERSION
    assert [row.entry_id for row in bench.list.listing()] == ["w-1"]
    assert len(bench.reported) == 1


def test_a_list_that_cannot_be_stored_is_refused(bench: Bench) -> None:
    bench.apply(bench.made())
    break_disk(bench.path)
    with pytest.raises(RefusedError) as caught:
        bench.apply(version=2)
    assert caught.value.reason == Refusal.NOT_STORED
    assert [row.entry_id for row in bench.list.listing()] == ["w-1"]


def test_an_entry_can_be_ended_at_the_gate(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made(), bench.made(entry_id="b"))
    assert bench.list.delete(["w-1"]) == 1
    assert bench.vision.searched == ["b"]


def test_both_documents_are_reported_and_searched_apart(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(bench.made())
    bench.apply(bench.made(entry_id="drill-1"), status="Exercise")
    assert [applied.status for applied in bench.list.applied()] == [Status.ACTUAL, Status.EXERCISE]
    rows, _ = bench.vision.galleries[-1]
    assert [(row.entry_id, row.exercise) for row in rows] == [("w-1", False), ("drill-1", True)]
    assert [branch(status) for status in Status] == [False, True, False]


def test_the_stations_keys_are_read_or_their_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    assert load_keys(None) is None
    assert load_keys(path) is None
    path.write_bytes(TRUSTED.to_json())
    found = load_keys(path)
    assert found is not None
    assert (found.station, set(found.keys)) == (TRUSTED.station, set(TRUSTED.keys))
    path.write_bytes(b"{}")
    with pytest.raises(StoreError, match=r"keys\.json \(node\.trusted_keys\)"):
        load_keys(path)


def test_what_happens_to_a_list_is_written_down_without_its_people(bench: Bench) -> None:
    bench.list.vision_up(bench.vision, "dlib")
    bench.apply(listed(bench.clock), listed(bench.clock, entry_id="b", approvers=["one"]))
    bench.vision.answer(ROW)
    with pytest.raises(RefusedError):
        bench.list.apply(b"{}", drill=False)
    bench.clock.advance(31 * DAY_S)
    bench.list.expire()
    bench.list.expire()
    told = [(kind, who) for kind, who, _ in bench.audit.notes]
    assert told == [
        (AuditKind.WATCHLIST, "station"),
        (AuditKind.ENROLMENT, "vision"),
        (AuditKind.REFUSAL, "station"),
        (AuditKind.DELETION, "expiry"),
    ]
    applied, enrolled, refused, deleted = [what for _, _, what in bench.audit.notes]
    assert (applied["version"], applied["entries"], applied["rejected"]) == (1, 1, 1)
    assert applied["issuer"] == ADDRESS.station
    assert enrolled == {"entry": "w-1", "model": "dlib", "templates": 1}
    assert str(refused["reason"]).startswith("malformed")
    assert deleted == {"store": "watchlist", "entry": "w-1"}
    assert "robbery" not in repr(bench.audit.notes)
