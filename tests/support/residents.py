"""Residents without photos: templates that are numbers, and a process that dies while it works.

``python -m tests.support.residents RESIDENTS enrol|again|withdraw STEP`` does that one thing to the
store in RESIDENTS and is killed before its STEP-th word to the disk.
"""

from __future__ import annotations

import base64
import struct
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.core.clock import NS_PER_S
from agent.files.key_file import Credentials
from agent.residents.record import Consent, Resident
from agent.residents.store import ResidentStore
from agent.vault import RESIDENTS
from tests.support.killing import count_words

DAY_NS = 86_400 * NS_PER_S
NOW_NS = 1_795_000_000 * NS_PER_S
NAME, UNIT = "陈小明", "3-1201-PLANTED"
ROW = struct.pack("<8f", *(0.5 + n / 64 for n in range(8)))
OTHER_ROW = struct.pack("<8f", *(0.25 + n / 64 for n in range(8)))


def opened(data: Path) -> ResidentStore:
    """The store of a gate's data folder."""
    store = ResidentStore(data / RESIDENTS, Credentials())
    store.open()
    return store


def resident(
    store: ResidentStore, resident_id: str = "r-1", row: bytes = ROW, **fields: object
) -> Resident:
    """Somebody with one template and an end in thirty days."""
    made = Resident(
        resident_id=resident_id,
        name=NAME,
        unit=UNIT,
        where="north",
        consent=Consent("office-4", "v2", NOW_NS),
        expires_ns=NOW_NS + 30 * DAY_NS,
        templates={store.transforms.kept_as("any@1"): [row]},
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def resident_json(
    begun: Mapping[str, Any], name: str = NAME, row: bytes = ROW, **fields: object
) -> dict[str, Any]:
    """Somebody with a year, as the command sends it; *begun* is the answer to ``begin``."""
    return {
        "resident_id": "r-1",
        "name": name,
        "unit": UNIT,
        "where": "north",
        "consent": {"asked_by": "office-4", "version": "v2"},
        "expires_ns": time.time_ns() + 365 * DAY_NS,
        "templates": {f"any@1~{begun['transform']}": [base64.b64encode(row).decode("ascii")]},
        **fields,
    }


def _killed(data: Path, deed: str, step: int) -> None:
    store = opened(data)
    row = OTHER_ROW if deed == "again" else ROW
    who = resident(store, "r-2" if deed == "enrol" else "r-1", row)
    count_words(step)
    if deed == "withdraw":
        store.remove("r-1")
    else:
        store.put(who)


if __name__ == "__main__":
    _killed(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
