"""What a station's screen shows: one alert, two gates that do badly, at one moment."""

from __future__ import annotations

from dataclasses import replace

from contract.words import Kind, MsgType, Severity, Stage, Status
from station.board import Alert, GateRow, Malformed, Snapshot
from station.gates import Life
from station.runs import Run
from tests.tools.messages import GATE, OTHER_GATE, message_id

NOW_NS = 1_795_247_999_000_000_000

ALERT = Alert(
    n=1,
    source=GATE,
    id=message_id(1),
    status=Status.ACTUAL,
    kind=Kind.PANIC,
    severity=Severity.CRITICAL,
    msgtype=MsgType.ALERT,
    incident=message_id(1),
    text_en="Panic button at the north gate",
    text_zh="北门紧急按钮触发",
    place="north-gate",
    device="panic-1",
    seq=1,
    replayed=False,
    happened_ns=NOW_NS - 3_000_000_000,
    received_ns=NOW_NS - 2_958_000_000,
    latency_ms=42,
    synced=True,
    stage=Stage.RECEIVED,
    by="cancheng",
    copies=1,
    faults=(),
)
GATE_ROW = GateRow(
    source=GATE,
    life=Life.ONLINE,
    name_en="Liya Garden, north gate",
    name_zh="丽雅花园北门",
    version="0.1.0",
    reason="started",
    heard_ns=NOW_NS - 4_000_000_000,
    beat_ns=NOW_NS - 4_000_000_000,
    issues=("camera north: no picture",),
    troubled=(),
    outbox=3,
    clock_synced=False,
    doubled=True,
    stale=1,
    malformed=2,
    reused=0,
    missing=(Run(7, 7), Run(12, 14)),
    missing_events=5,
)
BOARD = Snapshot(
    station="cancheng",
    name="禅城派出所",
    now_ns=NOW_NS,
    listening=True,
    not_listening="",
    gates=(GATE_ROW, replace(GATE_ROW, source=OTHER_GATE, name_en="", name_zh="")),
    alerts=(ALERT,),
    alerts_total=1,
    unseen=1,
    events_total=12,
    malformed_total=2,
    malformed=Malformed(2, f"{GATE}/alert", ("is empty",), NOW_NS),
    queued=0,
)
