"""What gates tell: alerts with a clock and a chain, breaches, arrivals, reports, face leads."""

from __future__ import annotations

from typing import Any

from contract.validate import check_message
from station.receive import decide
from station.store import Store
from station.values import Arrival
from tests.tools.messages import GATE, alert, body, fact, message_id

INCIDENT = message_id(1)
LIMITS = {"1": 60.0, "3": 180.0, "5": 300.0}
CHAIN = [
    {"level": "station", "name": {"en": "Station", "zh": "派出所"}, "after_s": 0.0},
    {"level": "county", "name": {"en": "County", "zh": "县局"}, "after_s": 60.0},
    {"level": "city", "name": {"en": "City", "zh": "市局"}, "after_s": 180.0},
]


def grave(number: int = 1, **details: Any) -> dict[str, Any]:
    """A panic alert with limits and a chain; later numbers go on with the same incident."""
    made = alert(number, incident=INCIDENT, msgtype="Alert" if number == 1 else "Update")
    made["data"]["details"] = {"sla": LIMITS, "escalation": CHAIN, "level": "station", **details}
    return made


def breach(number: int, stage: int) -> dict[str, Any]:
    """A limit of it passed."""
    made = alert(number, type="gatehouse.alert.sla.breach")
    of = {"of": INCIDENT, "kind": "panic", "limit_s": LIMITS[str(stage)]}
    made["data"]["details"] = {"stage": stage, **of}
    return made


def arrived(number: int, stages: list[int], after_s: float) -> dict[str, Any]:
    """Somebody is there."""
    made = fact(number, type="gatehouse.event.sla.arrived")
    helped = {"stages": stages, "after_s": after_s, "helper": "guard", "who": "guard 7"}
    made["data"]["details"] = {"of": INCIDENT, "with": "card", **helped}
    return made


def take(store: Store, rest: str, value: dict[str, Any], at_ns: int) -> None:
    """The station stores what came on that topic of the gate."""
    topic = f"{GATE}/{rest}"
    arrival = Arrival(topic, body(value), retained=False, again=False, received_ns=at_ns)
    checked = check_message(topic, arrival.payload)
    with store.batch():
        store.apply(decide(arrival, checked, store, "cancheng").writes)


def report(at: str) -> dict[str, Any]:
    """The incident's report."""
    return {
        "report_id": INCIDENT,
        "kind": "incident",
        "at": at,
        "from": at,
        "to": at,
        "status": "Actual",
        "timeline": [],
        "figures": {},
    }


def lead(number: int, **fields: Any) -> dict[str, Any]:
    """A face lead that waits for a person."""
    made = alert(number, type="gatehouse.alert.watchlist.face", **fields)
    details = {"entry_id": "w-17", "list": "wanted", "score": 0.7, "threshold": 0.65}
    details |= {"margin": None, "frames": 3, "quality": 0.8, "model_id": "m", "camera": "north"}
    made["data"]["details"] = details | {"confirm": "required"}
    return made
