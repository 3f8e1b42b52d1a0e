"""A list that comes in chunks: what its manifest must be, and how the chunks come together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.errors import RefusedError
from agent.watchlist.gathering import Gathering
from agent.watchlist.manifest import Manifest, is_chunked, read_manifest
from contract.signing import content_hash
from contract.words import Refusal, Role, Status
from tests.support.chunks import chunk, manifest, named
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS, STRANGER, TRUSTED, listed, watchlist

HASH = "sha256:" + "5" * 64


def read(data: bytes, *, drill: bool = False) -> Manifest:
    return read_manifest(data, TRUSTED, ADDRESS, drill=drill)


def parts(clock: ManualClock, *sizes: int) -> list[bytes]:
    """Chunks of so many entries each."""
    made, number = [], 0
    for n, size in enumerate(sizes, start=1):
        entries = [listed(clock, entry_id=f"w-{number + i}") for i in range(size)]
        made.append(chunk(n, entries))
        number += size
    return made


def gathering(clock: ManualClock, made: list[bytes], total: int, **fields: Any) -> Gathering:
    return Gathering(read(manifest(clock, made, total, **fields)), clock.utc_ns())


def refused(call: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        call()
    return caught.value


def test_a_list_is_whole_when_its_last_chunk_is_here(clock: ManualClock) -> None:
    made = parts(clock, 2, 1, 3)
    told = read(manifest(clock, made, 6, version=9)).hash
    found = gathering(clock, made, 6, version=9)
    for number, data in enumerate(made, start=1):
        assert found.wanted == number
        assert refused(found.bundle).reason is Refusal.INCOMPLETE
        found.take(data)
    assert found.wanted is None
    bundle = found.bundle()
    assert [entry.entry_id for entry in bundle.entries] == [f"w-{n}" for n in range(6)]
    assert (bundle.version, bundle.hash, bundle.status) == (9, told, Status.ACTUAL)
    assert bundle.rejected == ()


def test_entries_are_rejected_by_name_over_all_chunks(clock: ManualClock) -> None:
    first = chunk(1, [listed(clock), {"entry_id": "w-2"}, 5])
    second = chunk(2, [listed(clock), "x"])
    found = gathering(clock, [first, second], 5)
    found.take(first)
    found.take(second)
    bundle = found.bundle()
    assert [entry.entry_id for entry in bundle.entries] == ["w-1"]
    assert [r.entry_id for r in bundle.rejected] == ["w-2", "#3", "w-1", "#5"]


@pytest.mark.parametrize("change", [b" ", b"]", b""])
def test_other_bytes_are_not_taken_and_the_right_ones_may_still_come(
    clock: ManualClock, change: bytes
) -> None:
    made = parts(clock, 1, 1)
    found = gathering(clock, made, 2)
    error = refused(lambda: found.take(made[0][:-1] + change if change else made[1]))
    assert str(error) == "incomplete: chunk 1 of 2 is not the one that the document names"
    found.take(made[0])
    assert found.wanted == 2


@pytest.mark.parametrize(
    ("data", "total"),
    [
        (b"garbage", 1),
        (chunk(1, []), 1),
        (chunk(2, [{}]), 1),
        (chunk(1, [{}, {}]), 1),
        (chunk(1, [{}], doc="residents"), 1),
        (chunk(1, [{}], sig="x"), 1),
    ],
)
def test_a_chunk_that_is_named_and_cannot_be_read_refuses_the_document(
    clock: ManualClock, data: bytes, total: int
) -> None:
    found = gathering(clock, [data], total)
    assert refused(lambda: found.take(data)).reason is Refusal.MALFORMED


def test_a_list_with_fewer_entries_than_it_says_is_refused(clock: ManualClock) -> None:
    made = parts(clock, 2)
    found = gathering(clock, made, 3)
    found.take(made[0])
    assert str(refused(found.bundle)) == "malformed: has 2 of 3 entries"


def test_the_hash_of_a_gathered_list_is_that_of_the_whole_document(clock: ManualClock) -> None:
    odd = {"entry_id": "w-9", "z": 1.5, "ä": [True, None, {"b": 1, "a": '"entries":[]'}], "A": "𝄞"}
    whole = json.loads(watchlist(clock, [listed(clock), odd, "x"], version=7))
    spaced = json.dumps(json.loads(chunk(1, whole["entries"][:2])), indent=1).encode()
    made = [spaced, chunk(2, ["x"])]
    found = gathering(clock, made, 3, version=7, hash=content_hash(whole))
    for data in made:
        found.take(data)
    assert found.bundle().hash == content_hash(whole)


def test_a_list_whose_entries_are_not_those_of_its_hash_is_refused(clock: ManualClock) -> None:
    made = parts(clock, 1, 2)
    found = gathering(clock, made, 3, hash=HASH)
    for data in made:
        found.take(data)
    assert str(refused(found.bundle)) == "malformed: its entries are not those of its hash"


def test_a_number_that_has_no_canonical_form_refuses_the_document(clock: ManualClock) -> None:
    data = chunk(1, [{"entry_id": "w-1", "n": 1 << 60}])
    found = gathering(clock, [data], 1, hash=HASH)
    assert refused(lambda: found.take(data)).reason is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"version": 1 << 31}, Refusal.MALFORMED),
        ({"key": STRANGER}, Refusal.BAD_SIGNATURE),
        ({"key": KEYS[Role.CONFIG]}, Refusal.BAD_SIGNATURE),
        ({"issuer": "foshan"}, Refusal.UNKNOWN_ISSUER),
        ({"node": "cancheng.liya-garden.gate-2"}, Refusal.WRONG_NODE),
        ({"total": 0}, Refusal.MALFORMED),
        ({"total": 10_001}, Refusal.MALFORMED),
        ({"chunks": []}, Refusal.MALFORMED),
        ({"chunks": [named(b"x")] * 1000}, Refusal.MALFORMED),
        ({"chunks": [{**named(b"x"), "bytes": 262_145}]}, Refusal.MALFORMED),
        ({"chunks": [{**named(b"x"), "bytes": 262_144}] * 300}, Refusal.TOO_LARGE),
        ({"hash": "x"}, Refusal.MALFORMED),
        ({"entries": []}, Refusal.MALFORMED),
        ({"role": "config"}, Refusal.MALFORMED),
        ({"issued_at": "yesterday"}, Refusal.MALFORMED),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else str(given),
)
def test_a_manifest_is_refused_as_a_list_would_be(
    clock: ManualClock, fields: dict[str, Any], reason: Refusal
) -> None:
    data = manifest(clock, [b"x"], 1, **fields)
    assert refused(lambda: read(data)).reason is reason


@pytest.mark.parametrize(
    ("status", "drill", "counts_as"),
    [
        ("Exercise", True, Status.EXERCISE),
        ("Exercise", False, Status.ACTUAL),
        ("Actual", True, Status.ACTUAL),
    ],
)
def test_where_branch_and_flag_disagree_it_is_actual(
    clock: ManualClock, status: str, drill: bool, counts_as: Status
) -> None:
    assert read(manifest(clock, [b"x"], 1, status=status), drill=drill).status is counts_as


def test_what_is_chunked_is_seen_without_belief(clock: ManualClock) -> None:
    assert is_chunked(b'{"chunks": 5}')
    for other in (watchlist(clock, []), b"", b"[]", b'["chunks"]', b"[" * 100_000, b"\xff"):
        assert not is_chunked(other)
