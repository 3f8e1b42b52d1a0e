"""Cases of persons to follow or search for: every problem named before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.core.errors import CheckFailedError
from contract.words import CommandName, Role
from station.orders import Marks, Wanted, make_command
from station.sought import read_case, worst
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS

JPEG = b"\xff\xd8\xff\xe0 a photo"
TRACK = {
    "entry_id": "t-1",
    "list": "wanted",
    "authority": "Cancheng PSB",
    "case_reference": "A-1",
    "legal_basis": "Criminal Procedure Law, art. 150",
    "category": "robbery",
    "approvers": ["officer-12", "officer-31"],
    "not_before": "2026-11-21T08:00:00Z",
    "expires_at": "2099-11-23T08:00:00Z",
    "instruction": {"en": "Keep near.", "zh": "跟控。"},
    "photos": ["one.jpg"],
}
SEARCH = {
    "entry_id": "m-1",
    "list": "missing",
    "consent": "form 4",
    "not_before": "2099-11-21T08:00:00Z",
    "expires_at": "2099-11-23T08:00:00Z",
    "instruction": {"en": "Stay with her.", "zh": "陪伴。"},
    "photos": ["one.jpg"],
}


def case(folder: Path, entry: dict[str, Any] | list[Any], **fields: Any) -> Path:
    (folder / "one.jpg").write_bytes(JPEG)
    path = folder / "case.json"
    if isinstance(entry, dict):
        entry = {name: part for name, part in {**entry, **fields}.items() if part is not ...}
    path.write_text(json.dumps(entry), encoding="utf-8")
    return path


def problems(folder: Path, entry: dict[str, Any], *, search: bool, **fields: Any) -> str:
    with pytest.raises(CheckFailedError) as told:
        read_case(case(folder, entry, **fields), search=search)
    return str(told.value)


def test_one_entry_alone_is_a_case(tmp_path: Path) -> None:
    assert read_case(case(tmp_path, SEARCH), search=True)["entry_id"] == "m-1"
    ended = {"not_before": "2099-11-21T08:00:00Z"}
    assert read_case(case(tmp_path, TRACK, **ended), search=False)["photos"] != ["one.jpg"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"legal_basis": ...}, "legal_basis"),
        ({"approvers": ["officer-12"]}, "approvers"),
        ({"not_before": "2026-01-01T00:00:00Z"}, "more than 90 days"),
        (
            {"not_before": "2026-11-20T08:00:00Z", "expires_at": "2026-11-20T09:00:00Z"},
            "in the past",
        ),
        ({"photos": ["two.jpg"]}, "two.jpg cannot be read"),
    ],
)
def test_a_case_to_follow_lacks_something(
    tmp_path: Path, fields: dict[str, Any], text: str
) -> None:
    whole = {"not_before": "2099-11-21T08:00:00Z", **fields}
    assert text in problems(tmp_path, TRACK, search=False, **whole)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"consent": ...}, "needs 'consent', or 'authority' and 'case_reference'"),
        ({"consent": ..., "authority": "PSB"}, "needs 'consent'"),
        ({"list": "barred"}, "list: is not 'missing'"),
        ({"expires_at": "2099-11-24T08:00:01Z"}, "more than 72 h"),
        ({"legal_basis": "x"}, "legal_basis: has no place in a search"),
        ({"instruction": ...}, "instruction"),
    ],
)
def test_a_search_lacks_something(tmp_path: Path, fields: dict[str, Any], text: str) -> None:
    assert text in problems(tmp_path, SEARCH, search=True, **fields)


def test_a_search_by_an_authority(tmp_path: Path) -> None:
    by_order = {"consent": ..., "authority": "PSB", "case_reference": "M-4"}
    assert read_case(case(tmp_path, SEARCH, **by_order), search=True)["authority"] == "PSB"


def test_a_case_is_one_person(tmp_path: Path) -> None:
    with pytest.raises(CheckFailedError, match="holds 2 entries"):
        read_case(case(tmp_path, [SEARCH, SEARCH]), search=True)


def test_a_command_that_no_message_can_carry_says_what_to_do() -> None:
    wanted = Wanted(ADDRESS, CommandName.TRACK_START, {"entry": {"photos": ["A" * 262_144]}})
    marks = Marks("cmd-00000001", 1, 1_795_000_000_000_000_000)
    with pytest.raises(CheckFailedError, match="fewer or smaller photos"):
        make_command(wanted, marks, KEYS[Role.WATCHLIST])


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [(["done"], 0), (["done", "refused"], 1), (["done", "unreachable", "failed"], 69)],
)
def test_the_worst_answer_is_the_exit_code(outcomes: list[str], code: int) -> None:
    assert worst([{"outcome": outcome} for outcome in outcomes]) == code
