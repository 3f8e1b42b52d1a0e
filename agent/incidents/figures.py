"""A month's figures: counts, durations, how long acks took; and the report made of them.

Frozen values of a fixed size, however much happens. Months are those of UTC. Not here: when a month
begins and ends (``agent.incidents.month``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent.core.clock import NS_PER_S, Stamp, format_utc, parse_utc
from agent.core.decisions import Details
from contract.words import Status

BUCKETS = 64
_FIRST_S, _GROWTH = 0.05, 1.25
BOUNDS_S = tuple(_FIRST_S * _GROWTH**n for n in range(BUCKETS))
EMPTY = (0,) * BUCKETS


@dataclass(frozen=True, slots=True)
class Month:
    """What was counted; ``month`` is ``yyyy-mm``, empty while nobody knows the time.

    ``to_ns``: when it ended (UTC), None while it goes on. ``seen`` and ``received`` are histograms
    over ``BOUNDS_S`` of the time to the first ack by a person and by the station's software.
    """

    month: str
    began: Stamp
    to_ns: int | None = None
    up_ns: int = 0
    link_ns: int = 0
    alerts: Mapping[str, int] = field(default_factory=dict)
    seen: tuple[int, ...] = EMPTY
    received: tuple[int, ...] = EMPTY
    drills: int = 0
    leads_confirmed: int = 0
    leads_rejected: int = 0
    reviews_confirmed: int = 0
    reviews_rejected: int = 0
    absent_ns: int = 0
    absent: Mapping[str, Stamp] = field(default_factory=dict)
    false_alarms: int = 0
    last_false: tuple[str, ...] = ()


def month_of(utc_ns: int) -> str:
    """``yyyy-mm`` of a moment."""
    return format_utc(utc_ns)[:7]


def end_of(month: str) -> int:
    """UTC nanoseconds at which *month* ends."""
    year, number = int(month[:4]), int(month[5:])
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return parse_utc(following.isoformat())


def add(histogram: Sequence[int], seconds: float) -> tuple[int, ...]:
    """*histogram* with one more; what is beyond the last bound counts as the last."""
    place = next((n for n, bound in enumerate(BOUNDS_S) if seconds <= bound), BUCKETS - 1)
    return tuple(count + (n == place) for n, count in enumerate(histogram))


def quantile(histogram: Sequence[int], share: float) -> float | None:
    """Seconds that *share* of the times do not exceed, within a bucket; None without any."""
    wanted, passed = share * sum(histogram), 0.0
    if not wanted:
        return None
    for n, count in enumerate(histogram):
        if count and passed + count >= wanted:
            below = BOUNDS_S[n - 1] if n else 0.0
            return round(below + (BOUNDS_S[n] - below) * (wanted - passed) / count, 2)
        passed += count
    return BOUNDS_S[-1]


def report(month: Month, now: Stamp) -> Details:
    """The body of ``~/report/month/{yyyy-mm}``, also of a month that goes on."""
    to_ns = now.utc_ns if month.to_ns is None else month.to_ns
    return {
        "report_id": month.month or "unknown",
        "kind": "month",
        "at": now.utc,
        "from": month.began.utc,
        "to": format_utc(to_ns),
        "status": Status.ACTUAL.value,
        "figures": _figures(month, to_ns),
    }


def _figures(month: Month, to_ns: int) -> Details:
    span_ns = max(to_ns - month.began.utc_ns, month.up_ns, 1)
    return {
        "complete": bool(month.month) and month.to_ns is not None and _is_whole(month),
        "availability_agent": round(month.up_ns / span_ns, 5),
        "availability_link": round(month.link_ns / span_ns, 5),
        "alerts": sum(month.alerts.values()),
        "alerts_by_kind": dict(sorted(month.alerts.items())),
        "ack_p50_s": quantile(month.seen, 0.5),
        "ack_p95_s": quantile(month.seen, 0.95),
        "acked": sum(month.seen),
        "received_p50_s": quantile(month.received, 0.5),
        "received_p95_s": quantile(month.received, 0.95),
        "drills": month.drills,
        "leads_confirmed": month.leads_confirmed,
        "leads_rejected": month.leads_rejected,
        "reviews_confirmed": month.reviews_confirmed,
        "reviews_rejected": month.reviews_rejected,
        "absences": month.alerts.get("guard.absent", 0),
        "absent_s": round(month.absent_ns / NS_PER_S),
        "false_alarms": month.false_alarms,
    }


def _is_whole(month: Month) -> bool:
    """Whether it was counted from its first moment."""
    return month.began.utc.startswith(f"{month.month}-01T00:00:00")
