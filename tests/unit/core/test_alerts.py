from __future__ import annotations

import dataclasses
import json

from agent.core.alerts import Alert, Fact, alert_json, fact_json, mark_replayed
from agent.core.clock import ManualClock, stamp
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from contract.words import MAX_ALERT_BYTES, Kind, MsgType, Severity, Status, Urgency

SOURCE = "gh/v1/cancheng/liya-garden/gate-1"


def panic(clock: ManualClock) -> Alert:
    return Alert(
        id=AlertId("0197a3b2-4c11-7000-8000-000000000001"),
        source=SOURCE,
        session=41,
        seq=1207,
        incident=IncidentId("0197a3b2-4c11-7000-8000-0000000000aa"),
        kind=Kind.PANIC,
        msgtype=MsgType.ALERT,
        status=Status.ACTUAL,
        severity=Severity.CRITICAL,
        urgency=Urgency.IMMEDIATE,
        text=Text("Panic button pressed: north gate", "紧急按钮触发：北门"),
        device="panic-1",
        where="north-gate",
        rule="panic",
        at=stamp(clock),
        details={"presses": 1},
    )


def test_an_alert_is_the_contracts_cloud_event(clock: ManualClock) -> None:
    assert json.loads(alert_json(panic(clock), replayed=False)) == {
        "specversion": "1.0",
        "id": "0197a3b2-4c11-7000-8000-000000000001",
        "source": SOURCE,
        "type": "gatehouse.alert.panic",
        "subject": "panic-1",
        "time": "2026-11-21T08:00:00.000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:gatehouse:contract:v1:alert",
        "session": 41,
        "seq": 1207,
        "incident": "0197a3b2-4c11-7000-8000-0000000000aa",
        "ghstatus": "Actual",
        "msgtype": "Alert",
        "replayed": False,
        "data": {
            "severity": "critical",
            "urgency": "immediate",
            "text": {
                "en": "Panic button pressed: north gate",
                "zh": "紧急按钮触发：北门",
            },
            "at": {
                "utc": "2026-11-21T08:00:00.000Z",
                "monotonic_ns": clock.monotonic_ns(),
                "boot_id": clock.boot_id,
                "synced": True,
            },
            "device": "panic-1",
            "where": "north-gate",
            "rule": "panic",
            "evidence": [],
            "details": {"presses": 1},
        },
    }


def test_chinese_is_written_as_utf8_and_not_escaped(clock: ManualClock) -> None:
    assert "紧急按钮触发".encode() in alert_json(panic(clock), replayed=False)


def test_details_that_do_not_fit_are_dropped_and_said_to_be(clock: ManualClock) -> None:
    large = dataclasses.replace(panic(clock), details={"reason": "长" * 4000})
    body = alert_json(large, replayed=False)
    assert len(body) <= MAX_ALERT_BYTES
    event = json.loads(body)
    assert event["data"]["details"] == {"truncated": True}
    assert event["data"]["severity"] == "critical"
    assert event["seq"] == 1207


def test_details_that_just_fit_are_kept(clock: ManualClock) -> None:
    empty = len(alert_json(dataclasses.replace(panic(clock), details={"r": ""}), replayed=False))
    fits = dataclasses.replace(panic(clock), details={"r": "x" * (MAX_ALERT_BYTES - empty)})
    body = alert_json(fits, replayed=False)
    assert len(body) == MAX_ALERT_BYTES
    assert "truncated" not in json.loads(body)["data"]["details"]


def test_the_longest_names_of_a_configuration_fit(clock: ManualClock) -> None:
    label = "门" * 80
    long = dataclasses.replace(
        panic(clock),
        text=Text(f"Possible match with a watchlist entry: {label}", label),
        device="d" * 32,
        where="w" * 32,
        details={"reason": "界" * 300},
    )
    body = alert_json(long, replayed=True)
    assert len(body) <= MAX_ALERT_BYTES
    assert "truncated" not in json.loads(body)["data"]["details"]


def test_marking_as_replayed_changes_nothing_else(clock: ManualClock) -> None:
    assert mark_replayed(alert_json(panic(clock), replayed=False)) == alert_json(
        panic(clock), replayed=True
    )


def test_a_fact_is_an_event_of_its_kind(clock: ManualClock) -> None:
    fact = Fact(
        id=AlertId("0197a3b2-4c11-7000-8000-000000000002"),
        source=SOURCE,
        session=41,
        seq=9,
        kind="door.opened",
        status=Status.EXERCISE,
        device="main-door",
        where="north-gate",
        at=stamp(clock),
        details={"released": True},
    )
    event = json.loads(fact_json(fact, replayed=False))
    assert event["type"] == "gatehouse.event.door.opened"
    assert event["dataschema"] == "urn:gatehouse:contract:v1:event"
    assert (event["seq"], event["ghstatus"]) == (9, "Exercise")
    assert event["data"]["details"] == {"released": True}
    assert "incident" not in event
