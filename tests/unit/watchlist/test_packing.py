"""Entries in their file: what goes in comes out, and what is no table is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agent.watchlist.entry import Stored
from agent.watchlist.packing import pack, unpack
from contract.words import ListName, Status

ROW = b"\0\0\x80?" * 3


def an_entry(name: str, **templates: list[bytes]) -> Stored:
    return Stored(
        entry_id=name,
        status=Status.EXERCISE if name == "b" else Status.ACTUAL,
        listed=ListName.BARRED,
        facts={
            "authority": "公安局",
            "case_reference": "A-1",
            "legal_basis": "law",
            "category": "theft",
        },
        instruction={"en": "Call.", "zh": "报告。"},
        not_before_ns=1,
        expires_ns=2,
        templates=templates,
        photos=[b"one", b"", b"two"] if name == "c" else [],
    )


ENTRIES = [
    an_entry("a", dlib=[ROW, ROW[:4]], other=[ROW]),
    an_entry("b"),
    an_entry("c", dlib=[ROW]),
    replace(an_entry("d", dlib=[ROW]), look_alikes={"dlib": [ROW[:4], ROW]}),
    replace(an_entry("e", dlib=[ROW]), look_alike_photos=[b"somebody", b"else"]),
]


def test_what_goes_in_comes_out() -> None:
    assert unpack(json.loads(json.dumps(pack(ENTRIES)))) == ENTRIES
    assert unpack(pack([])) == []
    assert unpack({}) == []


@pytest.mark.parametrize("table", [{"1": {"entry_id": "a"}}, {"rows": []}, {"bytes": ""}, []])
def test_what_is_no_table_is_refused(table: Any) -> None:
    with pytest.raises((KeyError, TypeError)):
        unpack(table)
