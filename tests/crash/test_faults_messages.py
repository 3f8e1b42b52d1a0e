"""Messages to the gate that come twice, in the wrong order, or a day late: each counts once.

On a real broker; the core runs in this process, with a clock that is trusted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish

from tests.support.core import Person, Site, SyncedClock
from tests.support.samples import ADDRESS
from tests.support.signed import DAY_S, TRUSTED, command, to_bytes, utc
from tests.tools.broker import Broker
from tests.tools.checker import assert_actuations
from tests.tools.figures import tell
from tests.tools.recorder import Recorder

CLOCK = SyncedClock()
STAGES = ("closed", "received", "handling", "received", "seen")


class Wire:
    """A broker, everything that is said on it, and somebody who speaks for the station."""

    def __init__(self, broker: Broker, recorder: Recorder) -> None:
        self._broker = broker
        self.recorder = recorder

    async def say(self, *messages: tuple[str, bytes]) -> None:
        """Publish in this order, over one connection."""
        bodies: list[Any] = [(topic, payload, 1, False) for topic, payload in messages]
        await asyncio.to_thread(publish.multiple, bodies, "127.0.0.1", self._broker.port)

    def ack(self, alert: dict[str, Any], stage: str, days: float = 0) -> tuple[str, bytes]:
        """The station's word, spoken *days* ago."""
        word = {"alert_id": alert["id"], "stage": stage, "by": "d", "at": utc(CLOCK, days * -DAY_S)}
        return ADDRESS.topic("ack"), json.dumps(word).encode()

    async def seen(self, ending: str, count: int) -> list[dict[str, Any]]:
        """The first *count* messages on topics of this ending."""
        await asyncio.to_thread(
            self.recorder.wait_for,
            lambda all_: sum(m.topic.endswith(ending) for m in all_) >= count,
        )
        return [json.loads(message.payload) for message in self.recorder.on(ending)]


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with Broker(tmp_path) as broker, Recorder(broker.host, broker.port) as recorder:
        yield Wire(broker, recorder)


@pytest.fixture
def site(tmp_path: Path, wire: Wire) -> Site:
    made = Site(tmp_path / "gate")
    made.broker = f"{{host: 127.0.0.1, port: {wire._broker.port}}}"
    keys = tmp_path / "keys.json"
    keys.write_bytes(TRUSTED.to_json())
    made.changes = (("run_dir:", f"trusted_keys: {keys}\n  run_dir:"),)
    return made


def test_acks_twice_in_the_wrong_order_and_a_day_late(site: Site, wire: Wire) -> None:
    """An alarm of yesterday that is acked again takes nothing away from today's."""

    async def story(person: Person) -> None:
        await person.until(lambda status: status["link"])
        await person.press("panic-1")
        (first, *_) = await wire.seen("/alert", 1)
        await wire.say(*(wire.ack(first, stage) for stage in STAGES for _ in range(2)))
        await person.until(lambda status: not status["outbox"]["pending"])
        await person.until(lambda status: not status["incidents"])
        await person.ask("sim", verb="open", name="door-1")
        second = (await wire.seen("/alert", 2))[1]
        waiting = (await person.until(lambda status: status["outbox"]["pending"]))["outbox"]
        stranger = {"id": "0197a3b2-4c11-7000-8000-00000000dead"}
        await wire.say(*(wire.ack(alert, "received", 1) for alert in (first, stranger) * 5))
        await wire.say(wire.ack(second, "seen"))
        status = await person.until(lambda status: status["outbox"]["pending"] < waiting["pending"])
        assert status["outbox"]["pending"] == waiting["pending"] - 1
        assert len(status["incidents"]) == 1

    site.live(story)


def test_commands_twice_in_the_wrong_order_and_a_day_late(site: Site, wire: Wire) -> None:
    topic = ADDRESS.topic("cmd", "rebirth")
    valid = {f"cmd-0000000{n}": to_bytes(_numbered(n)) for n in (1, 2, 3)}
    late = _numbered(9, issued_at=utc(CLOCK, -DAY_S), expires_at=utc(CLOCK, 60 - DAY_S))
    sent = [valid[f"cmd-0000000{n}"] for n in (1, 1, 3, 2, 3, 1)] + [to_bytes(late)] * 2

    async def story(person: Person) -> None:
        await person.until(lambda status: status["link"])
        await wire.say(*((topic, payload) for payload in sent))
        results = await wire.seen("/result", len(sent))
        told = [(r["outcome"], str(r["reason"]).split(":")[0]) for r in results]
        assert told.count(("done", "")) == 2
        assert {outcome for outcome, _ in told} == {"done", "refused"}
        births = await wire.seen("/meta", 3)
        assert len(births) == 3, "the link's, and one for each command that was done"

    site.live(story)
    done = assert_actuations(wire.recorder, valid)
    tell("commands repeated, reordered, a day late", sent=len(sent), valid=len(valid), done=done)
    assert done == 2, "1 and 3; 2 came behind 3"


def _numbered(number: int, **fields: Any) -> dict[str, Any]:
    return command(CLOCK, cmd_id=f"cmd-0000000{number}", counter=number, **fields)
