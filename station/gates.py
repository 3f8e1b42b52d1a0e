"""What a gate's state, birth and heartbeats mean. Decisions on values, no I/O.

A state older than the current session is ignored: a will that comes late must not put a living
gate offline. Two boot ids (or heartbeat sessions) that *alternate*, A B A, are two agents with one
identity; A B is only a restart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from agent.core.clock import NS_PER_S
from station.values import Arrival, Gate

TRAIL = 4
DOUBLED_SHOWN_S = 3600
GRACE_S = 5.0


class Life(StrEnum):
    """How a gate does, seen from the station."""

    ONLINE = "online"
    SILENT = "silent"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Noted:
    """The gate after a message, and whether the message was too old to count."""

    gate: Gate
    stale: bool = False


def heard(gate: Gate, arrival: Arrival) -> Gate:
    """Any live message is a sign of life; a retained one is not."""
    if arrival.retained:
        return gate
    return replace(gate, heard_ns=max(gate.heard_ns, arrival.received_ns))


def on_state(gate: Gate, body: Mapping[str, Any], arrival: Arrival) -> Noted:
    """Birth, orderly end or will."""
    session, online, boot_id = int(body["session"]), bool(body["online"]), str(body["boot_id"])
    live = online and not arrival.retained and not arrival.again
    if live:
        gate = _birth(heard(gate, arrival), boot_id, arrival.received_ns)
    if gate.session is not None and session < gate.session:
        return Noted(replace(gate, stale=gate.stale + 1), stale=True)
    state = json.dumps(body, ensure_ascii=False)
    return Noted(replace(gate, session=session, state=state, state_ns=arrival.received_ns))


def on_meta(gate: Gate, body: Mapping[str, Any], arrival: Arrival) -> Noted:
    """What the gate consists of; one of an older session is ignored as its state would be."""
    if gate.session is not None and int(body["session"]) < gate.session:
        return Noted(replace(gate, stale=gate.stale + 1), stale=True)
    meta = json.dumps(body, ensure_ascii=False)
    return Noted(replace(heard(gate, arrival), meta=meta, meta_ns=arrival.received_ns))


def on_beat(gate: Gate, body: Mapping[str, Any], arrival: Arrival) -> Noted:
    """A heartbeat."""
    session = int(body["session"])
    gate = heard(gate, arrival)
    if not gate.beats or gate.beats[-1] != session:
        if session in gate.beats:
            gate = replace(gate, doubled_ns=arrival.received_ns)
        gate = replace(gate, beats=(*gate.beats, session)[-TRAIL:])
    beat = json.dumps(body, ensure_ascii=False)
    return Noted(replace(gate, beat=beat, beat_ns=arrival.received_ns))


def life(gate: Gate, now_ns: int) -> Life:
    """Online, silent or offline now.

    Two heartbeat periods and 5 s without a sign make a gate silent. A gate whose state says
    offline and that was heard since is online: any message counts as life.
    """
    limit_ns = round((2 * period_s(gate) + GRACE_S) * NS_PER_S)
    fresh = gate.heard_ns > 0 and now_ns - gate.heard_ns <= limit_ns
    if gate.state is None:
        return Life.ONLINE if fresh else Life.UNKNOWN
    online = bool(json.loads(gate.state)["online"])
    if not online and gate.heard_ns <= gate.state_ns:
        return Life.OFFLINE
    if fresh:
        return Life.ONLINE
    return Life.SILENT if online else Life.OFFLINE


def period_s(gate: Gate) -> float:
    """The gate's own heartbeat period in seconds; 60 until it told."""
    return float(json.loads(gate.beat)["period_s"]) if gate.beat else 60.0


def is_doubled(gate: Gate, now_ns: int) -> bool:
    """True for an hour after two agents showed themselves under this identity."""
    if gate.doubled_ns is None:
        return False
    return now_ns - gate.doubled_ns <= DOUBLED_SHOWN_S * NS_PER_S


def _birth(gate: Gate, boot_id: str, now_ns: int) -> Gate:
    if gate.boots and gate.boots[-1] == boot_id:
        return gate
    doubled = now_ns if boot_id in gate.boots else gate.doubled_ns
    return replace(gate, boots=(*gate.boots, boot_id)[-TRAIL:], doubled_ns=doubled)
