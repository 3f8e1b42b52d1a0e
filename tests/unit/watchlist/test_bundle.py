"""Who signed a watchlist, for whom, and which of its entries can be used."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pydantic import ValidationError

from agent.core.clock import ManualClock, parse_utc
from agent.core.errors import RefusedError
from agent.watchlist.bundle import Bundle, read_bundle
from agent.watchlist.entry import Entry
from contract.signing import TrustedKeys, content_hash
from contract.words import MAX_VERSION, ListName, Refusal, Role, Status
from tests.support.samples import ADDRESS
from tests.support.signed import DAY_S, KEYS, PHOTO, STRANGER, TRUSTED, listed, utc, watchlist


def read(
    data: bytes,
    clock: ManualClock,
    *,
    drill: bool | None = False,
    keys: TrustedKeys | None = TRUSTED,
) -> Bundle:
    return read_bundle(data, keys, ADDRESS, clock.utc_ns(), drill=drill)


def refusal(data: bytes, clock: ManualClock, keys: TrustedKeys | None = TRUSTED) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read(data, clock, keys=keys)
    return caught.value


def rejected(clock: ManualClock, entry: object) -> str:
    """Why *entry* is not applied; a good one beside it is."""
    bundle = read(watchlist(clock, [entry, listed(clock, entry_id="good")]), clock)
    assert [e.entry_id for e in bundle.entries] == ["good"]
    (found,) = bundle.rejected
    return f"{found.entry_id}: {found.reason}"


def test_a_signed_list_is_read_whole(clock: ManualClock) -> None:
    data = watchlist(clock, [listed(clock)], version=7)
    bundle = read(data, clock)
    (entry,) = bundle.entries
    assert (bundle.version, bundle.status, bundle.issuer) == (7, Status.ACTUAL, "cancheng")
    assert bundle.hash == content_hash(json.loads(data))
    assert bundle.issued_ns == clock.utc_ns()
    assert bundle.rejected == ()
    assert (entry.entry_id, entry.listed) == ("w-1", ListName.WANTED)
    assert entry.photos == [PHOTO]
    assert entry.instruction["zh"] == "请勿接近，立即报告。"
    assert entry.expires_ns - entry.not_before_ns == 30 * 86_400 * 10**9


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.WATCHLIST])
def test_only_the_key_of_the_watchlist_signs_watchlists(clock: ManualClock, role: Role) -> None:
    error = refusal(watchlist(clock, [], key=KEYS[role]), clock)
    assert error.reason == Refusal.BAD_SIGNATURE


def test_a_list_that_was_changed_after_signing_is_refused(clock: ManualClock) -> None:
    data = watchlist(clock, [listed(clock)])
    assert refusal(data.replace(b"robbery", b"parking"), clock).reason == Refusal.BAD_SIGNATURE
    assert refusal(data.replace(b'"version":1', b'"version":2'), clock).reason == (
        Refusal.BAD_SIGNATURE
    )
    assert refusal(watchlist(clock, [], key=STRANGER), clock).reason == Refusal.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"node": "cancheng.liya-garden.gate-2"}, Refusal.WRONG_NODE),
        ({"issuer": "elsewhere"}, Refusal.UNKNOWN_ISSUER),
        ({"role": "config"}, Refusal.MALFORMED),
        ({"doc": "residents"}, Refusal.MALFORMED),
        ({"version": 0}, Refusal.MALFORMED),
        ({"version": "1"}, Refusal.MALFORMED),
        ({"version": MAX_VERSION + 1}, Refusal.MALFORMED),
        ({"status": "Test"}, Refusal.MALFORMED),
        ({"issued_at": "yesterday"}, Refusal.MALFORMED),
        ({"issued_at": "2026-11-21T08:00:00"}, Refusal.MALFORMED),
        ({"more": 1}, Refusal.MALFORMED),
    ],
    ids=str,
)
def test_a_list_that_is_not_for_us_or_not_whole_is_refused(
    clock: ManualClock, fields: dict[str, Any], reason: Refusal
) -> None:
    assert refusal(watchlist(clock, [], **fields), clock).reason == reason


def test_a_list_for_all_gates_is_for_this_one_too(clock: ManualClock) -> None:
    assert read(watchlist(clock, [], node="*"), clock).version == 1


def test_a_gate_without_the_stations_key_trusts_no_list(clock: ManualClock) -> None:
    data = watchlist(clock, [])
    others = {Role.DOOR: TRUSTED.keys[Role.DOOR]}
    for keys in (None, TrustedKeys("other", TRUSTED.keys)):
        assert refusal(data, clock, keys).reason == Refusal.UNKNOWN_ISSUER
    lacking = refusal(data, clock, TrustedKeys(ADDRESS.station, others))
    assert str(lacking).startswith("bad-signature: this gate has no watchlist key of 'cancheng'")


@pytest.mark.parametrize(
    ("status", "drill", "counts_as"),
    [
        ("Actual", False, Status.ACTUAL),
        ("Actual", True, Status.ACTUAL),
        ("Actual", None, Status.ACTUAL),
        ("Exercise", True, Status.EXERCISE),
        ("Exercise", None, Status.EXERCISE),
        ("Exercise", False, Status.ACTUAL),
    ],
)
def test_where_branch_and_status_disagree_it_is_real(
    clock: ManualClock, status: str, drill: bool | None, counts_as: Status
) -> None:
    data = watchlist(clock, [], status=status)
    assert read(data, clock, drill=drill).status is counts_as


NEEDED = [
    "authority",
    "case_reference",
    "legal_basis",
    "category",
    "approvers",
    "not_before",
    "expires_at",
    "instruction",
    "list",
]


@pytest.mark.parametrize("name", NEEDED)
def test_an_entry_without_one_of_its_fields_is_rejected_by_name(
    clock: ManualClock, name: str
) -> None:
    assert rejected(clock, listed(clock, **{name: ...})) == f"w-1: '{name}' is missing"


@pytest.mark.parametrize("name", ["authority", "case_reference", "legal_basis", "category"])
def test_an_empty_field_is_a_missing_one(clock: ManualClock, name: str) -> None:
    assert rejected(clock, listed(clock, **{name: ""})).startswith(f"w-1: '{name}' String should")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"approvers": ["Officer A"]}, "'approvers' List should have at least 2 items"),
        ({"approvers": ["Officer A", "Officer A"]}, "'approvers' must be two different people"),
        ({"photos": ...}, "has neither 'photos' nor 'templates'"),
        ({"photos": []}, "has neither 'photos' nor 'templates'"),
        ({"photos": ["not base64!"]}, "a photo is not base64"),
        ({"photos": [""]}, "a photo has 0 bytes"),
        ({"templates": [{"model_id": "m", "vector": "AAAAAAA="}]}, "a template is not a row"),
        ({"templates": [{"model_id": "m", "vector": "AAA"}]}, "a template is not base64"),
        ({"templates": [{"model_id": "m", "vector": "AADAfw=="}]}, "a template is not a row"),
        ({"templates": [{"model_id": "", "vector": "AAAAAA=="}]}, "'templates.0.model_id' String"),
        ({"list": "suspicious"}, "'list' Input should be 'wanted', 'missing' or 'barred'"),
        ({"instruction": {"en": "Call."}}, "'instruction.zh' is missing"),
        ({"name": "Zhang San"}, "'name' Extra inputs are not permitted"),
        ({"not_before": "soon"}, "Invalid isoformat string"),
        ({"expires_at": "2026-12-01T00:00:00"}, "has no offset"),
    ],
    ids=str,
)
def test_an_entry_with_a_wrong_field_is_rejected_and_the_rest_applied(
    clock: ManualClock, fields: dict[str, Any], told: str
) -> None:
    assert told in rejected(clock, listed(clock, **fields))


def test_an_entry_may_last_ninety_days_and_no_second_longer(clock: ManualClock) -> None:
    full = listed(clock, expires_at=utc(clock, 90 * DAY_S))
    assert len(read(watchlist(clock, [full]), clock).entries) == 1
    told = "'expires_at' must be within 90 days after 'not_before'"
    for expires in (90 * DAY_S + 1, 0, -1):
        assert told in rejected(clock, listed(clock, expires_at=utc(clock, expires)))


def test_an_entry_that_is_over_is_rejected_and_one_to_come_is_kept(clock: ManualClock) -> None:
    over = listed(clock, not_before=utc(clock, -DAY_S), expires_at=utc(clock, 0))
    assert rejected(clock, over) == f"w-1: expired at {utc(clock)}"
    to_come = listed(clock, not_before=utc(clock, 80 * DAY_S), expires_at=utc(clock, 100 * DAY_S))
    assert len(read(watchlist(clock, [to_come]), clock).entries) == 1


def test_an_entry_that_stands_twice_counts_as_it_stands_first(clock: ManualClock) -> None:
    entries = [listed(clock, category="first"), listed(clock, category="second")]
    bundle = read(watchlist(clock, entries), clock)
    assert [e.facts["category"] for e in bundle.entries] == ["first"]
    assert [(r.entry_id, r.reason) for r in bundle.rejected] == [
        ("w-1", "stands in the list twice; the first one is used")
    ]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (5, "#1"),
        (None, "#1"),
        ([], "#1"),
        ({}, "#1"),
        ({"entry_id": 5}, "#1"),
        ({"entry_id": ""}, "#1"),
        ({"entry_id": "x" * 100}, "x" * 64),
    ],
    ids=str,
)
def test_an_entry_without_a_name_is_rejected_by_its_place(
    clock: ManualClock, value: object, name: str
) -> None:
    assert rejected(clock, value).startswith(f"{name}: ")


def test_a_photo_as_large_as_allowed_is_taken(clock: ManualClock) -> None:
    large, too_large = b64(b"x" * (8 << 20)), b64(b"x" * ((8 << 20) + 1))
    assert Entry.model_validate(listed(clock, photos=[large])).entry_id == "w-1"
    with pytest.raises(ValidationError, match="a photo has 8388609 bytes"):
        Entry.model_validate(listed(clock, photos=[too_large]))


def test_the_time_that_counts_is_the_one_that_was_given(clock: ManualClock) -> None:
    data = watchlist(clock, [listed(clock)])
    later = parse_utc("2027-06-01T00:00:00Z")
    assert read_bundle(data, TRUSTED, ADDRESS, later, drill=False).entries == ()
