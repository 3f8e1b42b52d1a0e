"""Which commands are obeyed, which refused and why, and that none is obeyed twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.core.audit import AuditKind
from agent.core.clock import ManualClock
from agent.core.commands import Result
from contract.signing import TrustedKeys, sign
from contract.words import Outcome, Refusal, Role
from tests.support.orders import Bench, refused
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS, STRANGER, command, to_bytes, utc


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Bench:
    return Bench(tmp_path / "commands.json", clock)


def test_a_signed_command_is_done_once_and_proven(bench: Bench, clock: ManualClock) -> None:
    made = command(clock, args={"why": "test"})
    clock.advance(0.25)
    result = bench.handle(made)
    assert result == Result("cmd-00000001", Outcome.DONE, "", {"reborn": True}, 250)
    assert bench.done == [{"why": "test"}]
    assert bench.gate.counts == {Outcome.DONE: 1}


def test_a_result_is_the_contracts(bench: Bench, clock: ManualClock) -> None:
    result = bench.handle(command(clock))
    assert json.loads(result.body(drill=False)) == {
        "cmd_id": "cmd-00000001",
        "outcome": "done",
        "reason": "",
        "proof": {"reborn": True},
        "late_ms": 0,
    }
    assert json.loads(result.body(drill=True))["status"] == "Exercise"


def test_each_name_needs_the_key_of_its_role(bench: Bench, clock: ManualClock) -> None:
    drill: dict[str, Any] = {"name": "drill.start"}
    assert refused(bench.handle(command(clock, **drill))) is Refusal.WRONG_ROLE
    assert bench.handle(command(clock, key=KEYS[Role.DRILL], **drill)).outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"node": "cancheng.liya-garden.gate-2"}, Refusal.WRONG_NODE),
        ({"node": "*"}, Refusal.WRONG_NODE),
        ({"issuer": "elsewhere"}, Refusal.UNKNOWN_ISSUER),
        ({"name": "reboot"}, Refusal.UNKNOWN_COMMAND),
        ({"name": "area.call"}, Refusal.UNSUPPORTED),
        ({"cmd_id": "short"}, Refusal.MALFORMED),
        ({"cmd_id": "with space!"}, Refusal.MALFORMED),
        ({"counter": 0}, Refusal.MALFORMED),
        ({"counter": 1 << 53}, Refusal.MALFORMED),
        ({"counter": 1.5}, Refusal.MALFORMED),
        ({"counter": True}, Refusal.MALFORMED),
        ({"args": []}, Refusal.MALFORMED),
        ({"more": 1}, Refusal.MALFORMED),
        ({"issued_at": "yesterday"}, Refusal.MALFORMED),
        ({"expires_at": "2026-11-21T08:01:00"}, Refusal.MALFORMED),
    ],
    ids=str,
)
def test_a_command_is_refused_with_its_reason_and_nothing_is_done(
    bench: Bench, clock: ManualClock, fields: dict[str, Any], reason: Refusal
) -> None:
    made = {k: v for k, v in command(clock).items() if k != "sig"} | fields
    try:
        payload = to_bytes(sign(made, KEYS[Role.CONFIG]))
    except ValueError:
        payload = to_bytes({**made, "sig": "x"})
    result = bench.handle(payload, topic=str(made["name"]))
    assert refused(result) is reason
    assert bench.done == []
    assert bench.gate.counts == {Outcome.REFUSED: 1}
    assert bench.gate.last_refusal == result.reason


def test_a_key_that_nobody_gave_us_signs_nothing(bench: Bench, clock: ManualClock) -> None:
    assert refused(bench.handle(command(clock, key=STRANGER))) is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("sig", ["", "AAAA", "not base64", 5, None])
def test_what_is_no_signature_is_refused(bench: Bench, clock: ManualClock, sig: object) -> None:
    reason = refused(bench.handle({**command(clock), "sig": sig}))
    assert reason in (Refusal.BAD_SIGNATURE, Refusal.MALFORMED)


def test_a_gate_without_keys_obeys_nobody(tmp_path: Path, clock: ManualClock) -> None:
    for keys in (None, TrustedKeys(ADDRESS.station, {})):
        bench = Bench(tmp_path / "commands.json", clock, keys)
        reason = refused(bench.handle(command(clock)))
        assert reason in (Refusal.UNKNOWN_ISSUER, Refusal.BAD_SIGNATURE)
        assert bench.done == []


def test_a_command_on_the_topic_of_another_is_refused(bench: Bench, clock: ManualClock) -> None:
    result = bench.handle(command(clock), topic="selftest")
    assert refused(result) is Refusal.UNKNOWN_COMMAND
    assert result.cmd_id == "cmd-00000001"


def test_a_retained_command_is_never_obeyed(bench: Bench, clock: ManualClock) -> None:
    assert refused(bench.handle(command(clock), retained=True)) is Refusal.RETAINED
    assert bench.handle(command(clock)).outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("after_s", "reason"),
    [(-6, Refusal.NOT_YET_VALID), (-5, None), (59.999, None), (60, Refusal.EXPIRED)],
)
def test_a_command_is_good_from_its_issue_to_its_end(
    bench: Bench, clock: ManualClock, after_s: float, reason: Refusal | None
) -> None:
    made = command(clock)
    clock.step(after_s)
    result = bench.handle(made)
    assert (result.outcome is Outcome.DONE) is (reason is None)
    if reason is not None:
        assert refused(result) is reason


def test_a_gate_that_does_not_know_the_time_obeys_nobody(bench: Bench, clock: ManualClock) -> None:
    clock.set_synced(synced=False)
    assert refused(bench.handle(command(clock))) is Refusal.CLOCK_UNSYNCED


def test_garbage_has_no_id_to_answer_to(bench: Bench) -> None:
    result = bench.handle(b"\xff\xfe garbage")
    assert refused(result) is Refusal.MALFORMED
    assert result.cmd_id == "unknown"


def test_a_document_that_nests_without_end_is_refused(bench: Bench, clock: ManualClock) -> None:
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"a": deep}
    payload = to_bytes({**command(clock), "args": deep})
    assert refused(bench.handle(payload)) in (Refusal.BAD_SIGNATURE, Refusal.MALFORMED)


def test_a_reason_is_short_whatever_was_sent(bench: Bench, clock: ManualClock) -> None:
    made = command(clock, node="n" * 5000, expires_at=utc(clock, 1))
    assert len(bench.handle(made).reason) <= 300


def test_every_command_and_every_refusal_is_written_down(bench: Bench, clock: ManualClock) -> None:
    bench.handle(command(clock))
    bench.handle(command(clock, counter=2, cmd_id="cmd-00000002", args={"break": True}))
    bench.handle(command(clock, counter=2, cmd_id="cmd-00000003"))
    bench.handle(b"garbage", retained=True)
    told = [(k, who, what["cmd_id"], what["outcome"]) for k, who, what in bench.audit.notes]
    assert told == [
        (AuditKind.COMMAND, ADDRESS.station, "cmd-00000001", "done"),
        (AuditKind.COMMAND, ADDRESS.station, "cmd-00000002", "failed"),
        (AuditKind.REFUSAL, "unverified", "cmd-00000003", "refused"),
        (AuditKind.REFUSAL, "unverified", "unknown", "refused"),
    ]
    assert str(bench.audit.notes[2][2]["reason"]).startswith("counter")


def test_a_flood_of_garbage_is_answered_and_hardly_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture, clock: ManualClock
) -> None:
    for _ in range(500):
        bench.handle(b"garbage")
    assert len(bench.told) == 500
    assert bench.gate.counts[Outcome.REFUSED] == 500
    assert len(caplog.records) == 10
    clock.advance(60)
    bench.handle(b"garbage")
    assert "(490 more like this were not logged)" in caplog.text
