"""The generated access list on a real mosquitto: only the allowed cells of the matrix pass.

What is allowed is written down here by hand from CONTRACT 2, not taken from what generates it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.broker_trusted import OBSERVER, TrustedBroker, member
from tests.tools.wire import Wire

GATES = ("liya-garden/gate-1", "liya-garden/gate-2", "no3-school/gate-1")
AREAS = {
    "liya-garden/gate-1": ("west",),
    "liya-garden/gate-2": (),
    "no3-school/gate-1": ("west", "north"),
}
CALLS = {"no3-school/gate-1": ("north",)}
HEAD = "gh/v1/cancheng"
UP = (
    "state", "meta", "hb", "alert", "event", "evidence/0197/1", "result", "reported/watchlist",
    "reported/profile", "task/7/status", "report/incident/8", "report/drill/9", "report/month/10",
    "post", "drill/alert", "drill/event", "drill/evidence/0197/1", "drill/result",
    "drill/reported/watchlist", "drill/task/7/status", "drill/report/drill/9",
)  # fmt: skip
DOWN = (
    "ack", "cmd/door.open", "cmd/wipe", "desired/watchlist", "desired/residents",
    "desired/visitors", "desired/plates", "desired/profile", "desired/roster", "task/7",
    "drill/ack", "drill/cmd/door.open", "drill/desired/watchlist", "drill/task/7",
)  # fmt: skip
NOBODYS = (
    f"{HEAD}/liya-garden", f"{HEAD}/liya-garden/gate-1", f"{HEAD}/liya-garden/gate-1/other",
    f"{HEAD}/liya-garden/gate-1/drill/state", f"{HEAD}/liya-garden/gate-9/ack", f"{HEAD}/host/o",
    "gh/v1/luocun/liya-garden/gate-1/state", "gh/v2/cancheng/liya-garden/gate-1/state", "other",
    "$SYS/broker/uptime",
)  # fmt: skip
HOST = "cancheng.host"
GREEDY = ("#", "+/#", "gh/#", f"{HEAD}/#", f"{HEAD}/+/+/#", "$SYS/#", "$share/all/gh/#")


def name_of(gate: str) -> str:
    return f"cancheng.{gate.replace('/', '.')}"


def area_topics() -> list[str]:
    made = []
    for area in ("west", "north", "south"):
        made += [f"{HEAD}/area/{area}/call", f"{HEAD}/area/{area}/bulletin"]
        made += [f"{HEAD}/area/{area}/respond/{gate}" for gate in GATES]
    return made


TOPICS = [
    *(f"{HEAD}/{gate}/{rest}" for gate in GATES for rest in (*UP, *DOWN)),
    *area_topics(),
    f"{HEAD}/host/state",
    *NOBODYS,
]


def may_write(gate: str) -> set[str]:
    own = {f"{HEAD}/{gate}/{rest}" for rest in UP}
    agreed = {f"{HEAD}/area/{area}/call" for area in CALLS.get(gate, ())}
    return own | agreed | {f"{HEAD}/area/{area}/respond/{gate}" for area in AREAS[gate]}


def may_read(gate: str) -> set[str]:
    own = {f"{HEAD}/{gate}/{rest}" for rest in DOWN} | {f"{HEAD}/host/state"}
    areas = AREAS[gate]
    return own | {f"{HEAD}/area/{area}/{what}" for area in areas for what in ("call", "bulletin")}


def host_may_write() -> set[str]:
    to_gates = {f"{HEAD}/{gate}/{rest}" for gate in (*GATES, "liya-garden/gate-9") for rest in DOWN}
    areas = {topic for topic in area_topics() if "/respond/" not in topic}
    return (to_gates | areas | {f"{HEAD}/host/state"}) & set(TOPICS)


def host_may_read() -> set[str]:
    of_gates = {f"{HEAD}/{gate}/{rest}" for gate in GATES for rest in UP}
    return of_gates | {topic for topic in area_topics() if "/respond/" in topic}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[TrustedBroker]:
    members = [
        replace(member(*gate.split("/"), *AREAS[gate]), calls=CALLS.get(gate, ())) for gate in GATES
    ]
    with TrustedBroker(tmp_path, members) as made:
        yield made


def wire(broker: TrustedBroker, name: str, *, five: bool) -> Wire:
    return broker.wire(broker.bearer(name), five=five)


@pytest.mark.parametrize("five", [True, False])
def test_who_may_publish_what(broker: TrustedBroker, five: bool) -> None:
    clients = {**{name_of(gate): may_write(gate) for gate in GATES}, HOST: host_may_write()}
    with wire(broker, OBSERVER, five=five) as observer:
        observer.subscribe("#")
        for name, allowed in clients.items():
            with wire(broker, name, five=five) as client:
                answers = {t: client.publish(t, name.encode()) for t in TOPICS if t[0] != "$"}
                client.publish(next(iter(allowed)), b"end")
            observer._until(lambda: any(body == b"end" for _, body in observer.heard))
            heard = {topic for topic, body in observer.heard if body == name.encode()}
            assert heard == allowed, name
            if five:
                assert {topic for topic, said in answers.items() if said} == allowed, name
            observer.heard.clear()


@pytest.mark.parametrize("five", [True, False])
def test_who_hears_what(broker: TrustedBroker, five: bool) -> None:
    clients = {**{name_of(gate): may_read(gate) for gate in GATES}, HOST: host_may_read()}
    with wire(broker, OBSERVER, five=five) as observer:
        for name, allowed in clients.items():
            with wire(broker, name, five=five) as client:
                client.subscribe(*GREEDY, *TOPICS)
                for topic in TOPICS:
                    if topic[0] != "$":
                        observer.publish(topic, b"x")
                last = max(allowed)
                observer.publish(last, b"end")
                client._until(lambda: any(body == b"end" for _, body in client.heard))
                assert client.topics() == allowed, name


def test_what_stands_at_the_broker_is_not_read_by_others(broker: TrustedBroker) -> None:
    mine, others = f"{HEAD}/{GATES[0]}/desired/watchlist", f"{HEAD}/{GATES[1]}/desired/watchlist"
    with wire(broker, HOST, five=True) as host:
        assert host.publish(mine, b"mine", retain=True)
        assert host.publish(others, b"others", retain=True)
    with wire(broker, name_of(GATES[0]), five=True) as gate:
        gate.subscribe(*GREEDY, mine, others)
        gate.wait_heard(mine)
        assert gate.topics() == {mine}


def test_a_will_in_anothers_name_is_not_published(broker: TrustedBroker) -> None:
    own, others = (f"{HEAD}/{gate}/state" for gate in GATES[:2])
    with wire(broker, HOST, five=True) as host:
        host.subscribe(own, others)
        for topic in (others, own):
            with broker.wire(broker.bearer(name_of(GATES[0])), will=topic) as gate:
                assert gate.refusal is None
                gate.vanish()
                gate.wait_ended()
        host.wait_heard(own)
        assert host.topics() == {own}


@pytest.mark.parametrize("five", [True, False])
@pytest.mark.parametrize("client_id", ["#", "+", "", "x", "luocun.liya-garden.gate-1"])
def test_unfit_client_ids_are_refused(broker: TrustedBroker, client_id: str, five: bool) -> None:
    bearer = broker.bearer(name_of(GATES[0]))
    with broker.wire(bearer, client_id=client_id, five=five) as client:
        assert client.refusal is not None


@pytest.mark.parametrize("five", [True, False])
def test_nobody_takes_anothers_session(broker: TrustedBroker, five: bool) -> None:
    """Whatever a client calls itself, it is who its certificate says."""
    victim, thief = name_of(GATES[0]), broker.bearer(name_of(GATES[1]))
    with (
        wire(broker, victim, five=five) as client,
        wire(broker, HOST, five=five) as host,
        broker.wire(thief, client_id=victim, five=five) as other,
    ):
        topic = f"{HEAD}/{GATES[0]}/ack"
        client.subscribe(topic)
        other.subscribe(topic)
        host.publish(topic, b"x")
        client.wait_heard(topic)
        assert not client.ended
        assert other.topics() == set()
