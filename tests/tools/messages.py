"""Messages of a gate as tests write them: whole, valid, with the fields that matter passed in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

GATE = "gh/v1/cancheng/liya-garden/gate-1"
OTHER_GATE = "gh/v1/cancheng/no3-school/gate-2"
BOOT = "5f0c3b52-8a4e-4c7e-9d5b-1d7c0a1e9f10"
UTC = "2026-11-21T08:00:00.000Z"


def message_id(number: int) -> str:
    """A version 7 UUID that tells its number."""
    return f"0197a3b2-4c11-7000-8000-{number:012x}"


def body(value: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON."""
    return json.dumps(value, ensure_ascii=False).encode()


def alert(number: int, *, source: str = GATE, utc: str = UTC, **top: Any) -> dict[str, Any]:
    """A panic alert whose id and seq are *number*; *top* replaces top-level attributes."""
    data = {
        "severity": "critical",
        "urgency": "immediate",
        "text": {"en": "Panic button at the north gate", "zh": "北门紧急按钮触发"},
        "at": {"utc": utc, "monotonic_ns": number, "boot_id": BOOT, "synced": True},
        "device": "panic-1",
        "where": "north-gate",
        "rule": "panic",
        "evidence": [],
        "details": {},
    }
    more = {"incident": message_id(number), "msgtype": "Alert"}
    return _event(number, source, utc, "gatehouse.alert.panic", "alert", data) | more | top


def fact(number: int, *, source: str = GATE, utc: str = UTC, **top: Any) -> dict[str, Any]:
    """An access event whose id and seq are *number*."""
    data = {
        "at": {"utc": utc, "monotonic_ns": number, "boot_id": BOOT, "synced": True},
        "device": "main-door",
        "where": "north-gate",
        "details": {"method": "visitor-code"},
    }
    head = _event(number, source, utc, "gatehouse.event.access.granted", "event", data)
    return head | {"id": message_id(0x1000000 + number)} | top


def state(*, online: bool = True, session: int = 41, boot_id: str = BOOT) -> dict[str, Any]:
    """Birth or will."""
    return {
        "online": online,
        "session": session,
        "boot_id": boot_id,
        "version": "0.1.0",
        "reason": "started" if online else "connection lost",
    }


def beat(*, seq: int = 1, session: int = 41, period_s: float = 60, **top: Any) -> dict[str, Any]:
    """A heartbeat of a gate that does well."""
    return {
        "seq": seq,
        "session": session,
        "period_s": period_s,
        "next_due": "2026-11-21T08:01:00.000Z",
        "components": {"link": {"state": "ok"}},
        "issues": [],
        "outbox": {"pending": 0, "oldest_s": None},
        "clock": {"synced": True, "offset_ms": 0.4},
    } | top


def meta(*, session: int = 41) -> dict[str, Any]:
    """A birth certificate."""
    return {
        "contract": 1,
        "version": "0.1.0",
        "session": session,
        "name": {"en": "Liya Garden, north gate", "zh": "丽雅花园北门"},
        "devices": [],
        "cameras": [],
        "capabilities": ["panic"],
        "models": [],
    }


def _event(
    number: int, source: str, utc: str, kind: str, schema: str, data: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": message_id(number),
        "source": source,
        "type": kind,
        "subject": str(data["device"]),
        "time": utc,
        "datacontenttype": "application/json",
        "dataschema": f"urn:gatehouse:contract:v1:{schema}",
        "session": 41,
        "seq": number,
        "ghstatus": "Actual",
        "replayed": False,
        "data": dict(data),
    }
