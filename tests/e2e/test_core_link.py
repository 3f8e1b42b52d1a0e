"""The whole core at a real broker: everything that it says is held against the contract."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish

from contract.signing import sign
from contract.words import Role
from tests.support.core import Person, Site, SyncedClock
from tests.support.samples import ADDRESS
from tests.support.signed import KEYS, TRUSTED, command, listed, template, to_bytes, utc, watchlist
from tests.tools.broker import Broker
from tests.tools.recorder import Recorded, Recorder

CLOCK = SyncedClock()
LISTENING = json.dumps({"online": True, "at": "2026-11-21T08:00:00Z"})


class Place:
    """A broker, a recorder of everything, and a gate that knows the station's keys."""

    def __init__(self, folder: Path, broker: Broker, recorder: Recorder) -> None:
        self.broker, self.recorder = broker, recorder
        self.site = Site(folder)
        self.site.broker = f"{{host: 127.0.0.1, port: {broker.port}}}"
        keys = folder / "keys.json"
        keys.write_bytes(TRUSTED.to_json())
        self.site.changes = (("run_dir:", f"trusted_keys: {keys}\n  run_dir:"),)

    async def say(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        """The station's word."""
        await asyncio.to_thread(
            publish.single, topic, payload, 1, retain, "127.0.0.1", self.broker.port
        )

    async def ack(self, alert: dict[str, Any], stage: str = "received") -> None:
        """The station has it."""
        word = {"alert_id": alert["id"], "stage": stage, "by": "desk", "at": alert["time"]}
        await self.say(ADDRESS.topic("ack"), json.dumps(word))

    async def seen(self, ending: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait for *count* messages on topics of this ending; their bodies."""

        def enough(messages: list[Recorded]) -> bool:
            return sum(m.topic.endswith(ending) for m in messages) >= count

        await asyncio.to_thread(self.recorder.wait_for, enough, 20.0)
        return [json.loads(message.payload) for message in self.recorder.on(ending)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Broker(tmp_path) as broker, Recorder(broker.host, broker.port) as recorder:
        yield Place(tmp_path, broker, recorder)
        recorder.assert_contract()


def linked(status: dict[str, Any]) -> bool:
    return status["link"] is True


def test_a_gate_is_born_beats_and_says_goodbye(place: Place) -> None:
    async def story(person: Person) -> None:
        await person.until(linked)
        await place.seen("/hb")

    place.site.live(story)
    states = asyncio.run(place.seen("/state", 2))
    assert [(s["online"], s["reason"]) for s in states] == [(True, "online"), (False, "stopped")]
    (meta,) = asyncio.run(place.seen("/meta"))
    assert len(meta["devices"]) == 11
    (beat, *_) = asyncio.run(place.seen("/hb"))
    assert beat["session"] == states[0]["session"]
    retained = {m.topic for m in place.recorder.messages if m.retain}
    assert retained == {ADDRESS.topic("state"), ADDRESS.topic("meta")}


def test_a_press_reaches_the_station_and_its_ack_empties_the_outbox(place: Place) -> None:
    async def story(person: Person) -> None:
        await person.until(linked)
        await person.press()
        (alert, *_) = await place.seen("/alert")
        assert (alert["type"], alert["replayed"]) == ("gatehouse.alert.panic", False)
        await person.until(lambda s: s["outbox"]["pending"])
        await place.ack(alert)
        await person.until(lambda s: not s["outbox"]["pending"])
        await place.ack(alert, "closed")
        await person.until(lambda s: not s["incidents"])

    place.site.live(story)


def test_what_happens_while_the_broker_is_gone_arrives_when_it_is_back(place: Place) -> None:
    """Resent until acked: the first sending may find nobody subscribed at the new broker."""

    async def story(person: Person) -> None:
        await person.until(linked)
        await asyncio.to_thread(place.broker.kill)
        await person.until(lambda s: not linked(s))
        await person.press()
        await person.ask("sim", verb="open", name="door-1")
        await person.until(lambda s: s["outbox"]["pending"] >= 3)
        await asyncio.to_thread(place.broker.start)
        alerts = await place.seen("/alert", 2)
        assert [(a["subject"], a["replayed"]) for a in alerts[:2]] == [
            ("panic-1", True),
            ("side", True),
        ]

    place.site.live(story)


def test_what_was_not_acked_is_sent_again_by_the_next_life(place: Place) -> None:
    async def first(person: Person) -> None:
        await person.until(linked)
        await person.press()
        await place.seen("/alert")

    async def second(person: Person) -> None:
        await person.until(linked)
        again = (await place.seen("/alert", 2))[1]
        await place.ack(again)
        await person.until(lambda s: not s["outbox"]["pending"])

    place.site.live(first)
    place.site.live(second)
    before, after = (json.loads(m.payload) for m in place.recorder.on("/alert")[:2])
    assert (before["id"], before["seq"]) == (after["id"], after["seq"])
    assert (before["replayed"], after["replayed"]) == (False, True)


def test_commands_are_obeyed_or_refused_and_answered(place: Place) -> None:
    topic = ADDRESS.topic("cmd", "rebirth")

    async def story(person: Person) -> None:
        await person.until(linked)
        made = command(CLOCK)
        await place.say(topic, to_bytes(made))
        await place.seen("/result", 1)
        await place.say(topic, to_bytes(made))
        await place.seen("/result", 2)
        await place.say(topic, to_bytes(sign(made | {"args": {"x": 1}}, KEYS[Role.DRILL])))
        results = await place.seen("/result", 3)
        assert [(r["outcome"], r["reason"].split(":")[0]) for r in results] == [
            ("done", ""),
            ("refused", "repeated"),
            ("refused", "wrong-role"),
        ]
        assert len(await place.seen("/meta", 2)) == 2

    place.site.live(story)


@pytest.mark.parametrize(("status", "drill"), [("Actual", False), ("Exercise", True)])
def test_a_desired_watchlist_is_applied_and_reported(
    place: Place, status: str, drill: bool
) -> None:
    entry = listed(CLOCK, photos=..., templates=[template("dlib", b"\0\0\x80?" * 128)])
    over = {**entry, "entry_id": "over", "not_before": utc(CLOCK, -9), "expires_at": utc(CLOCK, -1)}
    document = watchlist(CLOCK, [entry, over], status=status)

    async def story(person: Person) -> None:
        await place.say(ADDRESS.topic("desired", "watchlist", drill=drill), document, retain=True)
        (report, *_) = await place.seen("/reported/watchlist")
        assert (report["version"], [r["entry_id"] for r in report["rejected"]]) == (1, ["over"])
        listing = await person.ask("watchlist.list")
        assert [(e["entry_id"], e["status"]) for e in listing["entries"]] == [("w-1", status)]

    place.site.live(story)


def test_the_station_is_shown_as_listening_or_not(place: Place) -> None:
    def station(state: str) -> Callable[[dict[str, Any]], bool]:
        return lambda status: status["components"].get("station", {}).get("state") == state

    async def story(person: Person) -> None:
        await place.say(ADDRESS.host_state(), LISTENING, retain=True)
        await person.until(station("ok"))
        await place.say(ADDRESS.host_state(), LISTENING.replace("true", "false"), retain=True)
        status = await person.until(station("degraded"))
        assert status["components"]["station"]["reason"] == "station not listening"

    place.site.live(story)


def test_a_login_that_is_refused_is_an_issue_that_says_what_to_do(tmp_path: Path) -> None:
    with Broker(tmp_path, users={"gate": "right"}) as broker:
        password = tmp_path / "password"
        password.write_text("wrong\n", encoding="utf-8")
        site = Site(tmp_path)
        site.broker = f"{{host: 127.0.0.1, port: {broker.port}}}"
        site.changes = (("link:\n", f"link:\n  username: gate\n  password_file: {password}\n"),)

        async def story(person: Person) -> None:
            status = await person.until(lambda s: s["issues"])
            (issue,) = status["issues"]
            assert issue["code"] == "login-refused"
            assert "put link.username and password_file right" in issue["text"]
            password.write_text("right\n", encoding="utf-8")
            status = await person.until(linked)
            assert status["issues"] == []

        site.live(story)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_same_bodies_go_in_either_protocol(place: Place, protocol: str) -> None:
    place.site.changes += (("link:\n", f"link:\n  protocol: '{protocol}'\n"),)

    async def story(person: Person) -> None:
        await person.until(linked)
        await person.press()
        (alert, *_) = await place.seen("/alert")
        await place.ack(alert)
        await person.until(lambda s: not s["outbox"]["pending"])

    place.site.live(story)
