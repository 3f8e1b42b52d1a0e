"""What one side makes the other can read: the agent's bodies fit the schemas that the station
checks, and the station's documents are read whole by the agent.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.alerts import Alert, Fact, alert_json, fact_json, mark_replayed
from agent.core.clock import ManualClock, format_utc, parse_utc, stamp
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from agent.watchlist.bundle import read_bundle
from contract.signing import TrustedKeys, read_trusted_keys
from contract.topics import Address
from contract.validate import validate_message
from contract.words import Kind, MsgType, Role, Severity, Status, Urgency
from station import sign
from tests.tools.messages import message_id

ADDRESS = Address("cancheng", "liya-garden", "gate-1")
EXAMPLES = resources.files("contract") / "examples"
NOW_NS = parse_utc("2026-11-21T00:00:00Z")


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("status", list(Status))
def test_the_agents_alerts_fit(kind: Kind, status: Status) -> None:
    lead = {
        "entry_id": "W-1",
        "list": "wanted",
        "score": 0.61,
        "threshold": 0.5,
        "margin": None,
        "frames": 3,
        "quality": 0.8,
        "model_id": "mobilefacenet-v1",
        "camera": "north",
        "confirm": "required",
    }
    face = kind in (Kind.WATCHLIST_FACE, Kind.MISSING_SIGHTING, Kind.TRACK_SIGHTING)
    made = Alert(
        id=AlertId(message_id(1)),
        source=ADDRESS.base,
        session=1,
        seq=1,
        incident=IncidentId(message_id(2)),
        kind=kind,
        msgtype=MsgType.ALERT,
        status=status,
        severity=Severity.MAJOR,
        urgency=Urgency.IMMEDIATE,
        text=Text("Something happened", "有情况"),
        device="panic-1",
        where="north-gate",
        rule="panic",
        at=stamp(ManualClock()),
        details=lead if face else {"presses": 1},
    )
    topic = ADDRESS.topic("alert", drill=status is Status.EXERCISE)
    body = alert_json(made, replayed=False)
    assert validate_message(topic, body, retained=False) == []
    assert validate_message(topic, mark_replayed(body), retained=False) == []


def test_the_agents_facts_fit() -> None:
    made = Fact(
        id=AlertId(message_id(1)),
        source=ADDRESS.base,
        session=1,
        seq=1,
        kind="latch.reset",
        status=Status.ACTUAL,
        device="reset-1",
        where="north-gate",
        at=stamp(ManualClock()),
        details={},
    )
    body = fact_json(made, replayed=True)
    assert validate_message(ADDRESS.topic("event"), body, retained=False) == []


@pytest.mark.parametrize("name", ["watchlist", "watchlist.drill", "watchlist.empty"])
def test_the_agent_reads_the_example_watchlists_whole(name: str) -> None:
    keys = read_trusted_keys((EXAMPLES / "trusted-keys.json").read_bytes())
    data = (EXAMPLES / f"{name}.json").read_bytes()
    bundle = read_bundle(data, keys, ADDRESS, NOW_NS, drill=None)
    assert bundle.rejected == ()
    assert len(bundle.entries) == len(json.loads(data)["entries"])


def test_the_agent_reads_what_the_station_signs(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    photo = EXAMPLES / "watchlist-entry.photo.json"
    entry = json.loads(photo.read_text(encoding="utf-8"))
    (tmp_path / "one.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(64))
    source = tmp_path / "list.json"
    source.write_text(json.dumps([{**entry, "photos": ["one.jpg"]}]), encoding="utf-8")
    entries = sign.read_entries(source)
    assert sign.entry_problems(entries, NOW_NS) == []
    data = sign.make_watchlist(
        entries,
        key,
        station=ADDRESS.station,
        version=7,
        node=ADDRESS.client_id,
        status=Status.ACTUAL,
        issued_at=format_utc(NOW_NS),
    )
    keys = TrustedKeys(ADDRESS.station, {Role.WATCHLIST: key.public_key()})
    bundle = read_bundle(data, keys, ADDRESS, NOW_NS, drill=False)
    assert (bundle.version, bundle.rejected) == (7, ())
    assert [found.entry_id for found in bundle.entries] == [entry["entry_id"]]
