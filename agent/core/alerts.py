"""Alerts and notes as they leave the gate: CloudEvents 1.0, structured JSON (CONTRACT 3).

Here: the frozen shapes, their one JSON form, and what the ways of answering hear of an alert. Not
here: ids and numbers (the dispatcher gives them), incidents, sending.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from agent.core.clock import Stamp
from agent.core.decisions import Details
from agent.core.events import IncidentChanged, Stand
from agent.core.ids import AlertId, IncidentId
from agent.core.text import Text
from contract.words import MAX_ALERT_BYTES, Kind, MsgType, Severity, Status, Urgency

SCHEMA_ROOT = "urn:gatehouse:contract:v1"
_STAND = {
    MsgType.ALERT: Stand.OPENED,
    MsgType.UPDATE: Stand.UPDATED,
    MsgType.CANCEL: Stand.ENDED,
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A picture that follows an alert on ``~/evidence/{alert}/{n}``; ``bytes`` is its length."""

    n: int
    sha256: str
    bytes: int
    camera: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One message of one incident. ``seq`` counts alerts of this gate across restarts."""

    id: AlertId
    source: str
    session: int
    seq: int
    incident: IncidentId
    kind: Kind
    msgtype: MsgType
    status: Status
    severity: Severity
    urgency: Urgency
    text: Text
    device: str
    where: str
    rule: str
    at: Stamp
    details: Details
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A non-alarm fact for ``~/event``. ``seq`` counts facts of this gate across restarts."""

    id: AlertId
    source: str
    session: int
    seq: int
    kind: str
    status: Status
    device: str
    where: str
    at: Stamp
    details: Details


def alert_json(alert: Alert, *, replayed: bool) -> bytes:
    """The alert as UTF-8 JSON of at most 8 KiB; larger details are dropped, and said to be."""
    body = _alert_object(alert, alert.details, replayed=replayed)
    data = _dumps(body)
    if len(data) > MAX_ALERT_BYTES:
        data = _dumps(_alert_object(alert, {"truncated": True}, replayed=replayed))
    return data


def fact_json(fact: Fact, *, replayed: bool) -> bytes:
    """The fact as UTF-8 JSON."""
    head = _head(fact, f"gatehouse.event.{fact.kind}", "event", fact.status, replayed=replayed)
    where = {"device": fact.device, "where": fact.where}
    data = {"at": _at(fact.at), **where, "details": dict(fact.details)}
    return _dumps({**head, "data": data})


def drill_mark(*, drill: bool) -> dict[str, str]:
    """What a body on the drill branch carries besides; nothing on the other one."""
    return {"status": Status.EXERCISE.value} if drill else {}


def mark_replayed(body: bytes) -> bytes:
    """The same CloudEvent with ``replayed`` set: it waited before its first sending."""
    event = json.loads(body)
    event["replayed"] = True
    return _dumps(event)


def incident_changed(alert: Alert) -> IncidentChanged:
    """What the ways of answering hear of an alert that was sent."""
    return IncidentChanged(
        alert.at,
        alert.incident,
        _STAND[alert.msgtype],
        alert.kind,
        alert.severity,
        alert.status,
        alert.device,
        alert.where,
        alert.id,
        alert.text,
        alert.rule,
        alert.details,
    )


def _alert_object(alert: Alert, details: Details, *, replayed: bool) -> dict[str, object]:
    head = _head(alert, alert.kind.event_type, "alert", alert.status, replayed=replayed)
    head |= {"incident": alert.incident, "msgtype": alert.msgtype.value}
    data: dict[str, object] = {
        "severity": alert.severity.value,
        "urgency": alert.urgency.value,
        "text": {"en": alert.text.en, "zh": alert.text.zh},
        "at": _at(alert.at),
        "device": alert.device,
        "where": alert.where,
        "rule": alert.rule,
        "evidence": [asdict(picture) for picture in alert.evidence],
        "details": dict(details),
    }
    return {**head, "data": data}


def _head(
    item: Alert | Fact, event_type: str, schema: str, status: Status, *, replayed: bool
) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": item.id,
        "source": item.source,
        "type": event_type,
        "subject": item.device,
        "time": item.at.utc,
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMA_ROOT}:{schema}",
        "session": item.session,
        "seq": item.seq,
        "ghstatus": status.value,
        "replayed": replayed,
    }


def _at(at: Stamp) -> dict[str, object]:
    return {
        "utc": at.utc,
        "monotonic_ns": at.monotonic_ns,
        "boot_id": at.boot_id,
        "synced": at.synced,
    }


def _dumps(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
