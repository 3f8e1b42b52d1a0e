"""The watchlists of this gate on disk: applied whole or not, gone when they are over."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import RefusedError, SealedError, StoreError
from agent.files.seals import StoreSeal
from agent.watchlist.bundle import Bundle, Rejected, read_bundle
from agent.watchlist.store import MOST_TOLD, Applied, WatchlistStore
from contract.words import ListName, Refusal, Status
from tests.support.samples import ADDRESS
from tests.support.seals import KEY, OTHER_KEY, FixedKeys
from tests.support.signed import DAY_S, PHOTO, TRUSTED, listed, template, utc, watchlist

ROW, OTHER_ROW = b"\0\0\x80?" * 4, b"\0\0\0@" * 4


def bundle(clock: ManualClock, *names: str, version: int = 1, drill: bool = False) -> Bundle:
    """A signed list of entries with photos."""
    entries = [listed(clock, entry_id=name) for name in names]
    status = "Exercise" if drill else "Actual"
    data = watchlist(clock, entries, version=version, status=status)
    return read_bundle(data, TRUSTED, ADDRESS, clock.utc_ns(), drill=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watchlist.json"


@pytest.fixture
def store(path: Path) -> WatchlistStore:
    return WatchlistStore(path)


def names(store: WatchlistStore) -> list[str]:
    return [entry.entry_id for entry in store.entries]


def test_a_new_store_searches_for_nobody(store: WatchlistStore, path: Path) -> None:
    assert (store.entries, dict(store.applied), store.floor_ns) == ((), {}, 0)
    assert not path.exists()


def test_everything_is_there_again_after_a_restart(
    store: WatchlistStore, path: Path, clock: ManualClock
) -> None:
    with_rejected = dataclasses.replace(
        bundle(clock, "a", "b"), rejected=(Rejected("c", "'approvers' is missing"),)
    )
    store.apply(with_rejected, clock.utc_ns())
    store.apply(bundle(clock, "d", drill=True), clock.utc_ns())
    store.embedded(store.entries[0], "dlib", [ROW, OTHER_ROW], "")
    again = WatchlistStore(path)
    assert again.entries == store.entries
    assert again.applied == store.applied
    assert again.floor_ns == store.floor_ns == clock.utc_ns()
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_entry_is_kept_with_basis_instruction_and_times(
    store: WatchlistStore, clock: ManualClock
) -> None:
    store.apply(bundle(clock, "a"), clock.utc_ns())
    (entry,) = store.entries
    assert entry.facts == {
        "authority": "Cancheng PSB",
        "case_reference": "A-2026-0117",
        "legal_basis": "Criminal Procedure Law, art. 150",
        "category": "robbery",
    }
    assert entry.instruction == {"en": "Do not approach. Call.", "zh": "请勿接近，立即报告。"}
    assert (entry.listed, entry.exercise, entry.photos) == (ListName.WANTED, False, [PHOTO])
    assert entry.active(clock.utc_ns())
    assert not entry.active(clock.utc_ns() - 1)
    assert not entry.active(entry.expires_ns)


def test_a_newer_list_replaces_the_older_one_of_its_status_only(
    store: WatchlistStore, clock: ManualClock
) -> None:
    store.apply(bundle(clock, "a", "b"), clock.utc_ns())
    store.apply(bundle(clock, "d", drill=True), clock.utc_ns())
    store.apply(bundle(clock, "b", "c", version=2), clock.utc_ns())
    assert sorted(names(store)) == ["b", "c", "d"]
    assert {s: a.version for s, a in store.applied.items()} == {
        Status.ACTUAL: 2,
        Status.EXERCISE: 1,
    }


@pytest.mark.parametrize("version", [1, 2])
def test_a_version_that_is_not_newer_is_refused(
    store: WatchlistStore, clock: ManualClock, version: int
) -> None:
    store.apply(bundle(clock, "a", version=2), clock.utc_ns())
    with pytest.raises(RefusedError) as caught:
        store.apply(bundle(clock, "b", version=version), clock.utc_ns())
    assert caught.value.reason == Refusal.OLDER_VERSION
    assert names(store) == ["a"]


def test_a_report_is_the_contracts(store: WatchlistStore, clock: ManualClock) -> None:
    made = dataclasses.replace(bundle(clock, "a"), rejected=(Rejected("b", "why"),))
    assert store.apply(made, clock.utc_ns()).report() == {
        "version": 1,
        "hash": made.hash,
        "applied_at": "2026-11-21T08:00:00.000Z",
        "rejected": [{"entry_id": "b", "reason": "why"}],
    }


def test_templates_take_the_place_of_the_photos(
    store: WatchlistStore, path: Path, clock: ManualClock
) -> None:
    store.apply(bundle(clock, "a"), clock.utc_ns())
    store.embedded(store.entries[0], "dlib", [ROW], "")
    (entry,) = store.entries
    assert (entry.templates, entry.photos) == ({"dlib": [ROW]}, [])
    table = json.loads(path.read_bytes())["entries"]
    assert base64.b64decode(table["bytes"]) == ROW


def test_an_entry_whose_photos_are_all_useless_is_rejected(
    store: WatchlistStore, clock: ManualClock
) -> None:
    store.apply(bundle(clock, "a", "b"), clock.utc_ns())
    store.embedded(store.entries[0], "dlib", [], "photo 1: no face")
    assert names(store) == ["b"]
    assert store.applied[Status.ACTUAL].rejected == (Rejected("a", "photo 1: no face"),)


def test_templates_for_an_entry_that_is_gone_are_not_kept(
    store: WatchlistStore, clock: ManualClock
) -> None:
    store.apply(bundle(clock, "a"), clock.utc_ns())
    gone = store.entries[0]
    store.delete(["a"])
    store.embedded(gone, "dlib", [ROW], "")
    store.embedded(gone, "dlib", [], "no face")
    assert names(store) == []
    assert store.applied[Status.ACTUAL].rejected == ()


def test_templates_made_elsewhere_are_kept_by_model(
    store: WatchlistStore, clock: ManualClock
) -> None:
    entry = listed(
        clock,
        photos=...,
        templates=[
            template("m1", b"\0\0\x80?"),
            template("m2", b"\0\0\0@"),
            template("m1", b"\0\0\0A"),
        ],
    )
    data = watchlist(clock, [entry])
    store.apply(read_bundle(data, TRUSTED, ADDRESS, clock.utc_ns(), drill=None), clock.utc_ns())
    assert store.entries[0].templates == {"m1": [b"\0\0\x80?", b"\0\0\0A"], "m2": [b"\0\0\0@"]}


def test_what_is_over_is_deleted_from_the_disk_too(
    store: WatchlistStore, path: Path, clock: ManualClock
) -> None:
    store.apply(bundle(clock, "a"), clock.utc_ns())
    clock.advance(30 * DAY_S - 1)
    assert store.expire(clock.utc_ns()) == ()
    clock.advance(1)
    assert store.expire(clock.utc_ns()) == ("a",)
    assert b"robbery" not in path.read_bytes()
    assert WatchlistStore(path).entries == ()
    assert store.expire(clock.utc_ns()) == ()


def test_entries_are_deleted_by_name(store: WatchlistStore, clock: ManualClock) -> None:
    store.apply(bundle(clock, "a", "b"), clock.utc_ns())
    assert store.delete(["a", "x"]) == 1
    assert names(store) == ["b"]


def test_the_floor_of_time_only_rises(store: WatchlistStore, clock: ManualClock) -> None:
    issued_ns = clock.utc_ns()
    store.apply(bundle(clock, "a"), clock.utc_ns())
    clock.step(-DAY_S)
    store.apply(bundle(clock, "b", version=2), clock.utc_ns())
    assert store.floor_ns == issued_ns
    clock.step(2 * DAY_S)
    store.apply(bundle(clock, version=1, drill=True), clock.utc_ns())
    assert store.floor_ns == clock.utc_ns()
    assert utc(clock) > "2026-11-21T08"


def test_a_disk_that_refuses_leaves_everything_as_it_was(
    store: WatchlistStore, path: Path, clock: ManualClock
) -> None:
    store.apply(bundle(clock, "a"), clock.utc_ns())
    path.unlink()
    path.mkdir()
    (path / "in-the-way").touch()
    with pytest.raises(StoreError):
        store.apply(bundle(clock, "b", version=2), clock.utc_ns())
    with pytest.raises(StoreError):
        store.delete(["a"])
    assert names(store) == ["a"]
    assert store.applied[Status.ACTUAL].version == 1


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"entries": {"1": {}}}',
        b'{"entries": {"1": 5}}',
        b'{"entries": []}',
        b'{"entries": {"rows": [], "bytes": "AAAA"}}',
        b'{"entries": {"rows": [[]], "bytes": ""}}',
        b'{"entries":{"rows":[["a","Actual","wanted",["","","",""],["",""],0,0,{},[1]]],"bytes":""}}',
        b'{"documents": {"1": {"status": "Maybe"}}}',
        b'{"time": {"1": {"floor_ns": "x"}}}',
    ],
)
def test_a_damaged_file_is_an_error_and_stays_where_it_is(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    with pytest.raises(StoreError, match="damaged"):
        WatchlistStore(path)
    assert path.read_bytes() == damage


def test_a_store_that_cannot_be_read_can_begin_empty(path: Path, clock: ManualClock) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        WatchlistStore(path)
    store = WatchlistStore(path, load=False)
    assert store.entries == ()
    with pytest.raises(StoreError):
        store.apply(bundle(clock, "a"), clock.utc_ns())
    path.rmdir()
    store.apply(bundle(clock, "a"), clock.utc_ns())
    assert names(WatchlistStore(path)) == ["a"]


def test_a_sealed_store_shows_nobody_and_is_there_after_a_restart(
    path: Path, clock: ManualClock
) -> None:
    keys = FixedKeys(KEY)
    seal = StoreSeal(keys, "watchlist")
    store = WatchlistStore(path, seal=seal)
    store.apply(bundle(clock, "a"), clock.utc_ns())
    store.embedded(store.entries[0], "dlib", [ROW], "")
    raw = path.read_bytes()
    for planted in (b"robbery", b"A-2026-0117", "请勿接近".encode(), ROW, base64.b64encode(ROW)):
        assert planted not in raw
    assert WatchlistStore(path, seal=seal).entries == store.entries
    keys.hold(KEY, OTHER_KEY, done=False)
    store.reseal()
    assert seal.sealer.is_current(path.read_bytes())
    keys.hold(OTHER_KEY, done=True)
    assert WatchlistStore(path, seal=seal).entries == store.entries
    keys.hold(KEY, done=True)
    with pytest.raises(SealedError, match=f"watchlist.json is sealed with key {OTHER_KEY.id}"):
        WatchlistStore(path, seal=seal)


def test_an_empty_store_has_nothing_to_seal(store: WatchlistStore, path: Path) -> None:
    store.reseal()
    assert not path.exists()


def test_of_very_many_entries_to_send_again_the_first_are_named() -> None:
    names = tuple(f"w-{number}" for number in range(MOST_TOLD + 1))
    applied = Applied(Status.ACTUAL, 1, "", None, (), names[:-1])
    assert applied.told()["resend"] == list(names[:-1])
    assert "resend_total" not in applied.told()
    told = dataclasses.replace(applied, resend=names).told()
    assert (told["resend"], told["resend_total"]) == (list(names[:-1]), MOST_TOLD + 1)
    assert "resend" not in applied.report()
