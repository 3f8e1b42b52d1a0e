"""Words on leads at the station: two persons, one rejection, nothing changed afterwards."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.errors import CheckFailedError
from contract.validate import check_message
from contract.words import Stage
from station.leads import LeadDesk
from station.receive import decide
from station.standing import Word
from station.store import Store
from station.values import Arrival
from station.verdicts import first_break
from tests.support.cli import Shell
from tests.support.going import lead
from tests.tools.messages import GATE, alert, body, message_id

NOW_NS = 1_795_000_000_000_000_000
LEAD, DRILL, PANIC = message_id(1), message_id(2), message_id(3)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[LeadDesk]:
    store = Store(tmp_path / "station.db", "cancheng")
    for topic, value in (
        (f"{GATE}/alert", lead(1)),
        (f"{GATE}/drill/alert", lead(2, ghstatus="Exercise")),
        (f"{GATE}/alert", alert(3)),
    ):
        payload = body(value)
        arrival = Arrival(topic, payload, retained=False, again=False, received_ns=NOW_NS)
        with store.batch():
            store.apply(decide(arrival, check_message(topic, payload), store, "cancheng").writes)
    opened = LeadDesk(tmp_path / "station.db", lambda: NOW_NS)
    yield opened
    opened.close()
    store.close()


def test_two_persons_confirm_and_the_command_carries_both(desk: LeadDesk) -> None:
    first = desk.decide(LEAD, Word.CONFIRM, "desk-3", "scar", None)
    assert (first.standing, first.exercise) == ("first", False)
    both = desk.decide(LEAD, Word.CONFIRM, "duty-officer", "gait", None)
    assert both.standing == "confirmed"
    assert both.args["verdict"] == "confirm"
    assert [d["by"] for d in both.args["decisions"]] == ["desk-3", "duty-officer"]
    assert desk.stands(LEAD, None) == both


def test_the_same_person_is_no_second_one(desk: LeadDesk) -> None:
    desk.decide(LEAD, Word.CONFIRM, "desk-3", "scar", None)
    with pytest.raises(CheckFailedError, match="a second person has to"):
        desk.decide(LEAD, Word.CONFIRM, "Desk-3 ", "scar", None)
    desk.decide(LEAD, Word.CONFIRM, "desk-4", "gait", None)
    with pytest.raises(CheckFailedError, match="is confirmed by desk-3 and desk-4"):
        desk.decide(LEAD, Word.CONFIRM, "desk-5", "gait", None)


def test_one_rejects_and_nobody_confirms_afterwards(desk: LeadDesk) -> None:
    desk.decide(LEAD, Word.CONFIRM, "desk-3", "scar", None)
    no = desk.decide(LEAD, Word.REJECT, "desk-4", "ears differ", None)
    assert no.standing == "rejected"
    assert no.args["decisions"][0]["by"] == "desk-4"
    for word in Word:
        with pytest.raises(CheckFailedError, match="is rejected by desk-4"):
            desk.decide(LEAD, word, "desk-5", "x", None)


def test_what_is_no_lead_or_not_decided_is_told_by_name(desk: LeadDesk) -> None:
    with pytest.raises(CheckFailedError, match="is no lead but panic"):
        desk.decide(PANIC, Word.CONFIRM, "desk-3", "x", None)
    with pytest.raises(CheckFailedError, match="no alert with an id"):
        desk.decide("ffff", Word.CONFIRM, "desk-3", "x", None)
    with pytest.raises(CheckFailedError, match="nobody decided"):
        desk.stands(LEAD, None)


def test_a_drills_lead_is_decided_on_the_drill_branch(desk: LeadDesk) -> None:
    assert desk.decide(DRILL, Word.REJECT, "desk-3", "x", None).exercise


def test_stages_follow_the_verdict_and_never_go_back(desk: LeadDesk) -> None:
    first = desk.decide(LEAD, Word.CONFIRM, "desk-3", "scar", None)
    desk.show(first, "desk-3")
    desk.ack(LEAD, Stage.HANDLING, "desk-9")
    desk.show(first, "desk-3")
    (row,) = [r for r in desk.leads(everything=False) if r["alert_id"] == LEAD]
    assert (row["stage"], row["standing"]) == ("handling", "first")
    desk.show(desk.decide(LEAD, Word.REJECT, "desk-4", "no", None), "desk-4")
    assert LEAD not in [row["alert_id"] for row in desk.leads(everything=False)]
    assert LEAD in [row["alert_id"] for row in desk.leads(everything=True)]


def test_a_verdict_is_never_changed_and_a_change_behind_our_back_is_found(
    desk: LeadDesk, tmp_path: Path
) -> None:
    desk.decide(LEAD, Word.CONFIRM, "desk-3", "scar", None)
    desk.decide(LEAD, Word.CONFIRM, "desk-4", "gait", None)
    database = sqlite3.connect(tmp_path / "station.db", isolation_level=None)
    for change in ("UPDATE verdicts SET by='x'", "DELETE FROM verdicts"):
        with pytest.raises(sqlite3.IntegrityError, match="a verdict is never"):
            database.execute(change)
    assert first_break(database) is None
    database.execute("DROP TRIGGER verdicts_stay")
    database.execute("UPDATE verdicts SET reason='none' WHERE n=1")
    assert first_break(database) == 1
    database.execute("DROP TRIGGER verdicts_last")
    database.execute("DELETE FROM verdicts WHERE n=1")
    assert first_break(database) == 1
    database.close()
    assert json.dumps(desk.leads(everything=True))


def test_the_list_says_when_a_lead_looked_like_a_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gatehouse = Shell(monkeypatch, capsys)
    gatehouse("station", "init", "--dir", tmp_path, "--id", "cancheng", "--host", "localhost")
    store = Store(tmp_path / "station.db", "cancheng")
    printed = lead(4)
    printed["data"]["details"]["liveness"] = "refuse"
    for value in (lead(1), printed):
        payload = body(value)
        arrival = Arrival(f"{GATE}/alert", payload, retained=False, again=False, received_ns=NOW_NS)
        checked = check_message(arrival.topic, payload)
        with store.batch():
            store.apply(decide(arrival, checked, store, "cancheng").writes)
    store.close()
    said = gatehouse("station", "lead", "list", "--dir", tmp_path)
    assert said.code == 0, said.err
    rows = {line.split()[0]: line for line in said.out.splitlines()[:2]}
    assert rows[message_id(4)].endswith("pending  liveness: refuse")
    assert rows[LEAD].endswith("pending")
