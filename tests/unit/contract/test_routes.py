"""The table of topics: QoS, retain and parts of every topic of version 1."""

from __future__ import annotations

import pytest

from contract.routes import publish_problems, route
from tests.tools.messages import GATE

TABLE = [
    (f"{GATE}/state", "state", 1, True),
    (f"{GATE}/meta", "meta", 1, True),
    (f"{GATE}/hb", "hb", 0, False),
    (f"{GATE}/alert", "alert", 1, False),
    (f"{GATE}/event", "event", 1, False),
    (f"{GATE}/evidence/0197/1", "evidence", 1, False),
    (f"{GATE}/ack", "ack", 1, False),
    (f"{GATE}/cmd/door.open", "cmd", 1, False),
    (f"{GATE}/result", "result", 1, False),
    (f"{GATE}/desired/watchlist", "watchlist", 1, True),
    (f"{GATE}/desired/roster", "document", 1, True),
    (f"{GATE}/desired/watchlist/7", "chunk", 1, True),
    (f"{GATE}/reported/watchlist", "reported", 1, True),
    (f"{GATE}/task/t-1", "task", 1, False),
    (f"{GATE}/task/t-1/status", "task-status", 1, False),
    (f"{GATE}/report/drill/0197", "report", 1, False),
    (f"{GATE}/post", "post", 1, True),
    ("gh/v1/cancheng/area/east/call", "area-call", 1, False),
    ("gh/v1/cancheng/area/east/respond/liya-garden/gate-1", "area-respond", 1, False),
    ("gh/v1/cancheng/area/east/bulletin", "area-bulletin", 1, True),
    ("gh/v1/cancheng/host/state", "host-state", 1, True),
]


@pytest.mark.parametrize(("topic", "schema", "qos", "retained"), TABLE)
def test_every_topic_has_its_rule(topic: str, schema: str, qos: int, *, retained: bool) -> None:
    found = route(topic)
    assert found is not None
    assert (found.rule.schema, found.rule.qos, found.rule.retained) == (schema, qos, retained)
    assert found.station == "cancheng"
    assert list(publish_problems(found, retained=retained, qos=qos)) == []
    assert len(list(publish_problems(found, retained=not retained, qos=1 - qos))) == 2


def test_the_drill_branch_is_the_same_topic_marked() -> None:
    found = route(f"{GATE}/drill/desired/watchlist")
    assert found is not None
    assert (found.drill, found.rest, found.rule.schema) == (
        True,
        ("desired", "watchlist"),
        "watchlist",
    )
    assert route(f"{GATE}/drill") is None
    assert route(f"{GATE}/drill/state") is None
