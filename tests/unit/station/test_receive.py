"""What becomes of each message, decided without a store or a network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.validate import check_message
from contract.words import Status
from station.values import (
    AuditFault,
    Channel,
    CountAgain,
    File,
    Item,
    Keep,
    KeepHead,
    News,
    Note,
    Refuse,
    ToldHead,
    Verdict,
)
from tests.support.receive import NOW_NS, Remembered, judge
from tests.tools.messages import GATE, OTHER_GATE, alert, beat, body, fact, message_id, state


def kept(verdict: Verdict) -> Item:
    items = [write.item for write in verdict.writes if isinstance(write, Keep)]
    assert len(items) == 1
    return items[0]


def acked(verdict: Verdict) -> tuple[str, dict[str, Any]]:
    assert verdict.ack is not None
    assert not verdict.ack.retain
    return verdict.ack.topic, json.loads(verdict.ack.payload)


def test_a_new_alert_is_kept_and_acked() -> None:
    verdict = judge("alert", alert(7))
    item = kept(verdict)
    assert (item.source, item.id, item.channel) == (GATE, message_id(7), Channel.ALERT)
    assert (item.kind, item.severity, item.seq, item.session) == ("panic", "critical", 7, 41)
    assert item.received_ns - item.happened_ns == 250_000_000
    assert acked(verdict) == (
        f"{GATE}/ack",
        {
            "alert_id": message_id(7),
            "stage": "received",
            "by": "cancheng",
            "at": "2026-11-21T08:00:00.250Z",
        },
    )
    topic, ack = acked(verdict)
    assert check_message(topic, body(ack)).problems == ()


def test_an_event_is_kept_and_acked_too() -> None:
    verdict = judge("event", fact(3))
    assert kept(verdict).channel is Channel.EVENT
    assert kept(verdict).kind == "access.granted"
    assert acked(verdict)[1]["alert_id"] == fact(3)["id"]


def test_a_duplicate_is_counted_and_acked_again() -> None:
    memory = Remembered(keys={(GATE, message_id(7))})
    verdict = judge("alert", alert(7, replayed=True), memory=memory)
    assert verdict.news is News.DUPLICATE
    assert CountAgain(GATE, message_id(7)) in verdict.writes
    assert not any(isinstance(write, Keep) for write in verdict.writes)
    assert acked(verdict)[1]["stage"] == "received"


def test_the_same_id_of_another_gate_is_another_alert() -> None:
    memory = Remembered(keys={(OTHER_GATE, message_id(7))})
    assert judge("alert", alert(7), memory=memory).news is News.STORED


@pytest.mark.parametrize(
    ("rest", "payload"),
    [
        ("alert", b""),
        ("alert", b"\xff\x00"),
        ("alert", b"{"),
        ("alert", b"[" * 8000),
        ("alert", b"x" * 300_000),
        ("alert", body(alert(1, source=OTHER_GATE))),
        ("alert", body(alert(1, type="com.example.lunch"))),
        ("alert", body(beat())),
        ("state", b"{}"),
        ("hb", b"null"),
        ("nonsense", b"{}"),
        ("evidence/x/1", b"not a picture"),
    ],
)
def test_what_cannot_be_used_is_kept_aside_and_never_acked(rest: str, payload: bytes) -> None:
    verdict = judge(rest, payload)
    assert verdict.news is News.MALFORMED
    assert verdict.ack is None
    (write,) = verdict.writes
    assert isinstance(write, Refuse)
    assert write.size == len(payload)
    assert len(write.head) <= 4096
    assert write.problems


def test_what_the_station_itself_sends_is_not_for_it() -> None:
    ack = {"alert_id": "x", "stage": "seen", "by": "guard-2", "at": "2026-11-21T08:00:00Z"}
    assert judge("ack", ack).news is News.MALFORMED
    host = {"online": True, "at": "2026-11-21T08:00:00Z"}
    found = judge("", host, base="gh/v1/cancheng/host/state")
    assert found.news is News.MALFORMED


def test_another_stations_gate_is_refused() -> None:
    source = "gh/v1/elsewhere/liya-garden/gate-1"
    verdict = judge("alert", alert(1, source=source), base=source)
    assert (verdict.news, verdict.ack) == (News.MALFORMED, None)


def test_an_alert_of_a_newer_gate_is_used() -> None:
    strange = alert(9, type="gatehouse.alert.flood", id="not-a-uuid", newthing="x")
    strange["data"]["water_cm"] = 12
    verdict = judge("alert", strange)
    item = kept(verdict)
    assert (item.kind, item.id) == ("flood", "not-a-uuid")
    assert len(item.faults) == 3
    assert acked(verdict)[1]["alert_id"] == "not-a-uuid"


def test_a_retained_alert_is_used_and_told() -> None:
    verdict = judge("alert", alert(9), retained=True)
    assert kept(verdict).faults == ("was retained",)
    assert verdict.ack is not None


@pytest.mark.parametrize(
    ("rest", "flag", "status", "ack_on"),
    [
        ("alert", "Actual", Status.ACTUAL, "ack"),
        ("alert", "Test", Status.TEST, "ack"),
        ("drill/alert", "Exercise", Status.EXERCISE, "drill/ack"),
        ("alert", "Exercise", Status.ACTUAL, "ack"),
        ("drill/alert", "Actual", Status.ACTUAL, "drill/ack"),
        ("drill/alert", "Test", Status.ACTUAL, "drill/ack"),
    ],
)
def test_where_branch_and_flag_disagree_it_is_actual(
    rest: str, flag: str, status: Status, ack_on: str
) -> None:
    verdict = judge(rest, alert(4, ghstatus=flag))
    assert kept(verdict).status is status
    topic, ack = acked(verdict)
    assert topic == f"{GATE}/{ack_on}"
    assert ack.get("status") == ("Exercise" if rest.startswith("drill") else None)


@pytest.mark.parametrize("utc", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999+00:00"])
def test_a_wild_clock_loses_nothing(utc: str) -> None:
    item = kept(judge("alert", alert(5, utc=utc)))
    assert abs(item.happened_ns) < 1 << 63


def test_any_live_message_is_a_sign_of_life() -> None:
    for rest, value in (("alert", alert(1)), ("event", fact(1)), ("hb", beat())):
        (note,) = [w for w in judge(rest, value).writes if isinstance(w, Note)]
        assert note.gate.heard_ns == NOW_NS
    (note,) = [w for w in judge("state", state(), retained=True).writes if isinstance(w, Note)]
    assert note.gate.heard_ns == 0


def test_results_and_reports_are_filed() -> None:
    result = {"cmd_id": "c-1", "outcome": "done", "reason": "", "proof": None, "late_ms": 3}
    verdict = judge("result", result)
    assert verdict.news is News.FILED
    assert File(f"{GATE}/result", "c-1", body(result), NOW_NS) in verdict.writes
    respond = {
        "call_id": "k-1",
        "state": "coming",
        "eta_s": 60,
        "who": "guard-5",
        "at": "2026-11-21T08:00:00Z",
    }
    base = "gh/v1/cancheng/area/east/respond/liya-garden/gate-1"
    assert judge("", respond, base=base).writes == (
        File(base, f"k-1 {respond['state']}", body(respond), NOW_NS),
    )


def audited(n: int, digit: str = "a") -> dict[str, Any]:
    return beat(audit={"n": n, "hash": digit * 64})


def test_a_head_of_the_audit_log_is_kept_and_a_repeated_one_is_not() -> None:
    memory = Remembered()
    verdict = judge("hb", audited(5), memory=memory)
    assert verdict.news is News.NOTED
    assert KeepHead(GATE, ToldHead(5, "a" * 64), NOW_NS) in verdict.writes
    memory.heads.append(ToldHead(5, "a" * 64))
    assert [type(write) for write in judge("hb", audited(5), memory=memory).writes] == [Note]
    assert judge("hb", audited(6, "b"), memory=memory).news is News.NOTED


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (audited(4, "c"), "went back from record 9 to 4"),
        (audited(9, "c"), "record 9 of the audit log is another"),
        (audited(5, "c"), "record 5 of the audit log is another"),
        (audited(5), "went back from record 9 to 5"),
    ],
)
def test_a_log_that_was_cut_or_made_anew_is_said(told: dict[str, Any], text: str) -> None:
    memory = Remembered(heads=[ToldHead(5, "a" * 64), ToldHead(9, "b" * 64)])
    verdict = judge("hb", told, memory=memory)
    assert verdict.news is News.AUDIT
    assert text in verdict.about
    assert GATE in verdict.about
    (fault,) = (write for write in verdict.writes if isinstance(write, AuditFault))
    assert text in fault.text


def test_a_retained_heartbeat_tells_no_head() -> None:
    verdict = judge("hb", audited(5), retained=True)
    assert [type(write) for write in verdict.writes] == [Note]


@pytest.mark.parametrize("head", [{}, {"n": 0, "hash": "a" * 64}, {"n": 1, "hash": "A" * 64}, 5])
def test_a_head_that_is_none_is_no_heartbeat(head: object) -> None:
    assert judge("hb", beat(audit=head)).news is News.MALFORMED
