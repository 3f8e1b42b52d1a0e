"""A resident's record: what is refused, and its form on the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.residents.record import Consent, Resident, fault_of, pack, unpack
from tests.support.residents import DAY_NS, NOW_NS, ROW, opened
from tests.support.residents import resident as made


@pytest.fixture
def resident(tmp_path: Path) -> Resident:
    return made(opened(tmp_path))


def test_it_comes_back_as_it_was(resident: Resident) -> None:
    assert fault_of(resident, NOW_NS) == ""
    assert unpack(pack(resident)) == resident


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"resident_id": "R_1"}, "an id is"),
        ({"resident_id": ""}, "an id is"),
        ({"resident_id": "r" * 33}, "an id is"),
        ({"consent": Consent("", "v2", NOW_NS)}, "no consent"),
        ({"consent": Consent("office-4", " ", NOW_NS)}, "no consent"),
        ({"name": "x" * 101}, "at most 100"),
        ({"expires_ns": NOW_NS}, "passed already"),
        ({"expires_ns": NOW_NS + 733 * DAY_NS}, "two years"),
        ({"templates": {}}, "not named"),
        ({"templates": {"any@1": [ROW]}}, "not named"),
        ({"templates": {"any@1~" + "0" * 16: []}}, "1 to 5"),
        ({"templates": {"any@1~" + "0" * 16: [ROW] * 6}}, "1 to 5"),
        ({"templates": {"any@1~" + "0" * 16: [ROW, ROW[:8]]}}, "of one length"),
        ({"templates": {"any@1~" + "0" * 16: [ROW[:7]]}}, "float32"),
        ({"templates": {"any@1~" + "0" * 16: [b"\0\0\xc0\x7f"]}}, "float32"),
    ],
)
def test_what_cannot_be_kept_says_why(resident: Resident, fields: dict[str, Any], why: str) -> None:
    assert why in fault_of(replace(resident, **fields), NOW_NS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"resident_id": 1}',
        b"\xff",
        b'{"resident_id":"r-1","name":"","unit":""}',
    ],
)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(data)
