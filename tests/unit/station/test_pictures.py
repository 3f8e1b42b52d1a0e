"""Pictures of leads at the station: shown, exported by name, gone when the lead is rejected."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.core.errors import CheckFailedError
from contract.validate import check_message
from station import keys
from station.leads import LeadDesk, export
from station.pictures import KEPT_NS
from station.receive import decide
from station.snapshot import Reader
from station.standing import Word
from station.store import Store
from station.values import Arrival
from tests.support.going import lead
from tests.tools.messages import GATE, body, message_id

NOW_NS = 1_795_000_000_000_000_000
LEAD, BARE, HELD_BACK = message_id(1), message_id(2), message_id(3)
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 200
NAMED = [{"n": 1, "sha256": hashlib.sha256(JPEG).hexdigest(), "bytes": len(JPEG)}]
WHY = "another face is still found after the blur"


class Room:
    """A station that has three leads, one of them with a picture."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keys.init(folder, "cancheng", "禅城派出所")
        self.path = folder / "station.db"
        self.store = Store(self.path, "cancheng")
        pictured, bare, held_back = lead(1), lead(2), lead(3)
        pictured["data"]["evidence"] = NAMED
        held_back["data"]["details"]["picture_withheld"] = WHY
        for value in (pictured, bare, held_back):
            self.hear("alert", body(value))
        self.desk = LeadDesk(self.path, lambda: NOW_NS)

    def hear(self, rest: str, payload: bytes, at_ns: int = NOW_NS) -> None:
        """A message of the gate comes."""
        topic = f"{GATE}/{rest}"
        arrival = Arrival(topic, payload, retained=False, again=False, received_ns=at_ns)
        with self.store.batch():
            verdict = decide(arrival, check_message(topic, payload), self.store, "cancheng")
            self.store.apply(verdict.writes)

    def upkeep(self, now_ns: int = NOW_NS) -> None:
        """What serving does every five seconds."""
        for _ in range(2):
            with self.store.batch():
                self.store.forget_pictures(now_ns)

    def raw(self) -> bytes:
        """Every byte of the file and what lies beside it."""
        return b"".join(path.read_bytes() for path in self.folder.glob("station.db*"))

    def shown(self, alert_id: str) -> object:
        """What the list of leads says of its picture."""
        rows: Any = self.desk.leads(everything=True)
        return next(row["picture"] for row in rows if row["alert_id"] == alert_id)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path / "station")
    yield made
    made.desk.close()
    made.store.close()


def test_the_list_says_which_lead_has_a_picture(room: Room) -> None:
    assert room.shown(LEAD) == "announced, not here"
    room.hear(f"evidence/{LEAD}/1", JPEG)
    assert room.shown(LEAD) == "here"
    assert room.shown(BARE) == "none"
    assert room.shown(HELD_BACK) == f"withheld: {WHY}"
    reader = Reader(room.path, "cancheng", "x")
    leads = {one.id: one.picture for one in reader.snapshot(NOW_NS, 10).leads}
    reader.close()
    assert leads == {LEAD: True, BARE: False, HELD_BACK: False}


def test_who_takes_a_picture_out_is_written_down_for_good(room: Room, tmp_path: Path) -> None:
    room.hear(f"evidence/{LEAD}/1", JPEG)
    out = tmp_path / "lead.jpg"
    told = export(room.folder, LEAD, out, "desk-3", gate=None)
    assert out.read_bytes() == JPEG
    assert out.stat().st_mode & 0o777 == 0o600
    assert (told["sha256"], told["by"]) == (NAMED[0]["sha256"], "desk-3")
    with pytest.raises(CheckFailedError, match="is there already"):
        export(room.folder, LEAD, out, "desk-3", gate=None)
    database = sqlite3.connect(room.path)
    assert database.execute("SELECT id, by FROM exports").fetchall() == [(LEAD, "desk-3")]
    for change in ("UPDATE exports SET by='x'", "DELETE FROM exports"):
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(change)
    database.close()


def test_a_picture_that_is_not_here_says_why(room: Room) -> None:
    for alert_id, why in ((LEAD, "announced"), (BARE, "none"), (HELD_BACK, "withheld")):
        with pytest.raises(CheckFailedError, match=why):
            room.desk.picture(alert_id, "desk-3", None)


@pytest.mark.parametrize("read", [False, True], ids=["alone", "while-somebody-reads"])
def test_rejecting_a_lead_destroys_its_picture(room: Room, *, read: bool) -> None:
    room.hear(f"evidence/{LEAD}/1", JPEG)
    assert JPEG[:3000] in room.raw() or JPEG[256:512] in room.raw()
    reader = sqlite3.connect(room.path, isolation_level=None)
    if read:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM papers").fetchall()
    room.desk.decide(LEAD, Word.REJECT, "desk-3", "the ears differ", None)
    assert (JPEG[256:512] in room.raw()) is read
    reader.close()
    room.upkeep()
    assert JPEG[256:512] not in room.raw(), "neither in the file nor in its log"
    assert room.shown(LEAD) == "destroyed"
    room.hear(f"evidence/{LEAD}/1", JPEG)
    assert JPEG[256:512] not in room.raw(), "one that comes late is not taken"


def test_a_confirmed_lead_keeps_its_picture_for_thirty_days(room: Room) -> None:
    room.hear(f"evidence/{LEAD}/1", JPEG)
    for by in ("desk-3", "desk-4"):
        room.desk.decide(LEAD, Word.CONFIRM, by, "the scar", None)
    room.upkeep(NOW_NS + KEPT_NS - 1)
    assert room.shown(LEAD) == "here"
    room.upkeep(NOW_NS + 2 * KEPT_NS)
    assert room.shown(LEAD) == "announced, not here"
    assert JPEG[256:512] not in room.raw()


def test_a_restarted_station_finds_what_was_rejected_meanwhile(room: Room) -> None:
    room.hear(f"evidence/{LEAD}/1", JPEG)
    room.desk.decide(LEAD, Word.REJECT, "desk-3", "the ears differ", None)
    again = Store(room.path, "cancheng")
    with again.batch():
        again.forget_pictures(NOW_NS)
    again.close()
    rows: Any = room.desk.leads(everything=True)
    assert json.dumps(rows).count("destroyed") == 1
