"""What a screen of the station shows, as frozen values, and how they come from rows.

Here: one value for everything that people see. Not here: reading the file (``station.snapshot``),
looks (``station.view``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.words import Stage, Status
from station.gates import Life, is_doubled, life
from station.going import LeadRow
from station.incidents import Incident
from station.rollcall import Roll
from station.runs import Run, count, missing
from station.store import gate_of
from station.values import Channel
from station.work import Work


@dataclass(frozen=True, slots=True)
class Alert:
    """One stored alert. ``place`` and ``text`` are for people.

    ``latency_ms`` is from cause to receipt by two clocks: an estimate unless the gate's was
    ``synced``.
    """

    n: int
    source: str
    id: str
    status: Status
    kind: str
    severity: str
    msgtype: str
    incident: str
    text_en: str
    text_zh: str
    place: str
    device: str
    seq: int
    replayed: bool
    happened_ns: int
    received_ns: int
    latency_ms: int
    synced: bool
    stage: Stage
    by: str
    copies: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One stored event that is no alarm; ``details`` as the gate told them."""

    n: int
    source: str
    id: str
    status: Status
    kind: str
    seq: int
    replayed: bool
    happened_ns: int
    received_ns: int
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class GateRow:
    """One gate as people see it; names are empty until the gate told its own.

    ``missing`` are holes in the numbers of alerts, ``missing_events`` their count for events;
    ``audit_fault`` is what is wrong with its audit log, until a person accepts it.
    """

    source: str
    life: Life
    name_en: str
    name_zh: str
    version: str
    reason: str
    heard_ns: int
    beat_ns: int
    issues: tuple[str, ...]
    troubled: tuple[str, ...]
    outbox: int
    clock_synced: bool | None
    doubled: bool
    stale: int
    malformed: int
    reused: int
    missing: tuple[Run, ...]
    missing_events: int
    audit_fault: str = ""


@dataclass(frozen=True, slots=True)
class Malformed:
    """The newest message that could not be used."""

    n: int
    topic: str
    problems: tuple[str, ...]
    received_ns: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a screen of the station shows. ``serving`` is why not, or empty."""

    station: str
    name: str
    now_ns: int
    listening: bool
    not_listening: str
    gates: tuple[GateRow, ...]
    alerts: tuple[Alert, ...]
    alerts_total: int
    unseen: int
    events_total: int
    malformed_total: int
    malformed: Malformed | None
    queued: int
    work: tuple[Work, ...] = ()
    rolls: tuple[Roll, ...] = ()
    incidents: tuple[Incident, ...] = ()
    leads: tuple[LeadRow, ...] = ()


def gate_row(
    row: Sequence[Any],
    now_ns: int,
    runs: Mapping[tuple[str, str], list[Run]],
    malformed: Mapping[str, int],
    reused: Mapping[str, int],
    audit_faults: Mapping[str, str],
) -> GateRow:
    """A gate from a row of ``gates`` and the counts that other tables hold by source."""
    gate = gate_of(row)
    state = json.loads(gate.state) if gate.state else {}
    meta = json.loads(gate.meta) if gate.meta else {}
    beat = json.loads(gate.beat) if gate.beat else {}
    name = meta.get("name", {})
    parts = beat.get("components", {}).items()
    alerts = runs.get((gate.source, Channel.ALERT.value), [])
    events = runs.get((gate.source, Channel.EVENT.value), [])
    return GateRow(
        source=gate.source,
        life=life(gate, now_ns),
        name_en=name.get("en", ""),
        name_zh=name.get("zh", ""),
        version=state.get("version", ""),
        reason=state.get("reason", ""),
        heard_ns=gate.heard_ns,
        beat_ns=gate.beat_ns,
        issues=tuple(issue["text"] for issue in beat.get("issues", [])),
        troubled=tuple(
            f"{k}: {v.get('reason') or v['state']}" for k, v in parts if v["state"] != "ok"
        ),
        outbox=beat.get("outbox", {}).get("pending", 0),
        clock_synced=beat.get("clock", {}).get("synced"),
        doubled=is_doubled(gate, now_ns),
        stale=gate.stale,
        malformed=malformed.get(gate.source, 0),
        reused=int(reused.get(gate.source, 0)),
        missing=tuple(missing(alerts)),
        missing_events=count(missing(events)),
        audit_fault=audit_faults.get(gate.source, ""),
    )


def alert_of(row: Sequence[Any]) -> Alert:
    """An alert from the columns that ``station.snapshot`` selects, in their order."""
    n, source, message_id, status, kind, severity, seq, replayed, *rest = row
    happened_ns, synced, received_ns, body, faults, copies, stage, by = rest
    value = json.loads(bytes(body))
    data = value["data"]
    return Alert(
        n=n,
        source=source,
        id=message_id,
        status=Status(status),
        kind=kind,
        severity=severity,
        msgtype=value["msgtype"],
        incident=value["incident"],
        text_en=data["text"]["en"],
        text_zh=data["text"]["zh"],
        place=data["where"],
        device=data["device"],
        seq=seq,
        replayed=bool(replayed),
        happened_ns=happened_ns,
        received_ns=received_ns,
        latency_ms=(received_ns - happened_ns) // 1_000_000,
        synced=bool(synced),
        stage=Stage(stage),
        by=by,
        copies=copies,
        faults=tuple(faults.splitlines()),
    )


def fact_of(row: Sequence[Any]) -> Fact:
    """From the columns of :class:`Fact`, in their order."""
    n, source, message_id, status, kind, seq, replayed, happened_ns, received_ns, body = row
    rest = (happened_ns, received_ns, json.loads(bytes(body))["data"].get("details", {}))
    return Fact(n, source, message_id, Status(status), kind, seq, bool(replayed), *rest)


def malformed_of(row: Sequence[Any]) -> Malformed:
    """From n, topic, problems, received_ns."""
    return Malformed(row[0], row[1], tuple(row[2].splitlines()), row[3])
