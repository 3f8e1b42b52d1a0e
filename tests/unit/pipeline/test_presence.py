"""What the gate says of itself, as the contract has it."""

from __future__ import annotations

import json

import pytest

from agent.core.clock import ManualClock
from agent.core.events import ComponentState
from agent.core.health import HealthBoard
from agent.pipeline.presence import Presence, Waiting
from contract.validate import schema_problems
from contract.words import CONTRACT_VERSION
from tests.support.beats import hello
from tests.support.samples import at, gate

FACES = ("rules:\n", "faces: {enabled: true}\nrules:\n")


@pytest.fixture
def presence(clock: ManualClock) -> Presence:
    return Presence(gate(), clock, 41, "0.1.0")


def test_the_state_and_the_will_differ_in_being_online(
    presence: Presence, clock: ManualClock
) -> None:
    state = json.loads(presence.state(online=True, reason="online"))
    assert state == {
        "online": True,
        "session": 41,
        "boot_id": clock.boot_id,
        "version": "0.1.0",
        "reason": "online",
    }
    will = json.loads(presence.state(online=False, reason="connection lost"))
    assert will == {**state, "online": False, "reason": "connection lost"}


def test_the_birth_tells_what_the_gate_is_made_of(presence: Presence) -> None:
    meta = json.loads(presence.meta(hello()))
    assert (meta["contract"], meta["session"]) == (CONTRACT_VERSION, 41)
    assert meta["name"] == {"en": "North gate", "zh": "北门"}
    assert meta["devices"][0] == {
        "name": "panic-1",
        "type": "panic",
        "where": "north-gate",
        "label": {"en": "Guard desk", "zh": "岗亭"},
    }
    assert [device["name"] for device in meta["devices"]][-3:] == ["siren-1", "beacon-1", "lock-1"]
    assert [(c["name"], c["where"]) for c in meta["cameras"]] == [("north", "north-gate")]
    assert meta["models"] == [
        {"role": "embedder", "model_id": "dlib", "review_only": True, "sha256": "0" * 64}
    ]


def test_a_birth_never_tells_where_secrets_lie(clock: ManualClock) -> None:
    config = gate(
        ("{type: file, path: /srv/north.mp4}",
         "{type: rtsp, url: 'rtsp://10.0.0.9/live', username: u, password_file: /etc/pw}")
    )  # fmt: skip
    meta = Presence(config, clock, 1, "0").meta(None)
    assert b"10.0.0.9" not in meta
    assert b"/etc/pw" not in meta
    assert json.loads(meta)["models"] == []


@pytest.mark.parametrize(("enabled", "told"), [(False, False), (True, True)])
def test_faces_are_a_capability_only_where_they_are_switched_on(
    clock: ManualClock, enabled: bool, told: bool
) -> None:
    config = gate(FACES) if enabled else gate()
    meta = json.loads(Presence(config, clock, 1, "0").meta(None))
    assert ("watchlist.face" in meta["capabilities"]) is told
    assert {"panic", "door", "exercise", "replay"} <= set(meta["capabilities"])


def test_a_heartbeat_tells_health_outbox_clock_and_when_the_next_is_due(
    presence: Presence, clock: ManualClock
) -> None:
    board = HealthBoard()
    board.note("link", ComponentState.OK, broker="b")
    board.raise_issue("storage", "outbox", "disk full", at(clock))
    body, period_s = presence.heartbeat(board, Waiting(3, 12.34), busy=False)
    beat = json.loads(body)
    assert period_s == 60.0
    assert beat == {
        "seq": 1,
        "session": 41,
        "period_s": 60.0,
        "next_due": "2026-11-21T08:01:00.000Z",
        "components": {"link": {"state": "ok", "broker": "b"}},
        "issues": [
            {
                "code": "storage",
                "component": "outbox",
                "text": "disk full",
                "since": "2026-11-21T08:00:00.000Z",
            }
        ],
        "outbox": {"pending": 3, "oldest_s": 12.3},
        "clock": {"synced": True, "offset_ms": 0.0},
    }


def test_heartbeats_are_numbered(presence: Presence) -> None:
    beats = [presence.heartbeat(HealthBoard(), Waiting(0, 0), busy=False)[0] for _ in range(3)]
    assert [json.loads(beat)["seq"] for beat in beats] == [1, 2, 3]


@pytest.mark.parametrize(("configured", "busy_s"), [(60, 10), (5, 5)])
def test_during_an_incident_the_gate_is_heard_at_least_every_ten_seconds(
    clock: ManualClock, configured: int, busy_s: int
) -> None:
    config = gate(("link:\n", f"link:\n  heartbeat_s: {configured}\n"))
    presence = Presence(config, clock, 1, "0")
    body, period_s = presence.heartbeat(HealthBoard(), Waiting(0, 0), busy=True)
    assert period_s == busy_s
    assert json.loads(body)["period_s"] == busy_s


def test_an_unsynced_clock_says_so(presence: Presence, clock: ManualClock) -> None:
    clock.set_synced(synced=False)
    body, _ = presence.heartbeat(HealthBoard(), Waiting(0, 0), busy=False)
    assert json.loads(body)["clock"] == {"synced": False, "offset_ms": None}


def test_people_at_the_gate_are_told_name_version_and_session(presence: Presence) -> None:
    assert presence.identity() == {
        "name": {"en": "North gate", "zh": "北门"},
        "version": "0.1.0",
        "session": 41,
    }


class Standing:
    """A gate that the station switched faces off at, and that says a nonce."""

    def __init__(self, *, face_off: bool = False, nonce: str | None = None) -> None:
        self.face_off = face_off
        self._nonce = nonce

    def nonce(self) -> str | None:
        """As told."""
        return self._nonce


def test_a_gate_whose_faces_are_off_does_not_offer_them(clock: ManualClock) -> None:
    for face_off in (False, True):
        presence = Presence(gate(FACES), clock, 41, "0.1.0", Standing(face_off=face_off))
        meta = json.loads(presence.meta(hello()))
        assert ("watchlist.face" in meta["capabilities"]) is not face_off
        assert "door.open" in meta["capabilities"]


def test_a_gate_without_the_time_says_a_nonce_and_beats_at_least_every_ten_seconds(
    clock: ManualClock,
) -> None:
    clock.set_synced(synced=False)
    presence = Presence(gate(), clock, 41, "0.1.0", Standing(nonce="n" * 24))
    body, period_s = presence.heartbeat(HealthBoard(), Waiting(0, 0.0), busy=False)
    beat = json.loads(body)
    assert beat["clock"] == {"synced": False, "offset_ms": None, "nonce": "n" * 24}
    assert (period_s, beat["period_s"]) == (10.0, 10.0)
    assert schema_problems("hb", beat) == []


def test_a_gate_with_the_time_says_none(clock: ManualClock) -> None:
    presence = Presence(gate(), clock, 41, "0.1.0", Standing())
    body, period_s = presence.heartbeat(HealthBoard(), Waiting(0, 0.0), busy=False)
    assert json.loads(body)["clock"] == {"synced": True, "offset_ms": 0.0}
    assert period_s == 60.0
