"""Entries in their file: what goes in comes out, and files of the first form are still read."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

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


def test_a_file_from_before_there_were_look_alikes_is_read() -> None:
    table = pack(ENTRIES[:3])
    table["rows"] = [row[:9] for row in table["rows"]]
    assert unpack(table) == ENTRIES[:3]


def test_a_file_of_the_first_form_is_read() -> None:
    row = {
        "entry_id": "a",
        "status": "Actual",
        "list": "barred",
        "facts": ENTRIES[0].facts,
        "instruction": ENTRIES[0].instruction,
        "not_before_ns": 1,
        "expires_ns": 2,
        "templates": {"dlib": [text(ROW)]},
        "photos": [text(b"one")],
    }
    (found,) = unpack({"1": row})
    assert (found.templates, found.photos) == ({"dlib": [ROW]}, [b"one"])
    assert (found.facts, found.listed) == (ENTRIES[0].facts, ListName.BARRED)


def text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
