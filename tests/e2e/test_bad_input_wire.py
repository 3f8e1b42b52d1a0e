"""Messages that no station sends: on every topic that a gate hears, in both protocols."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.words import MAX_MESSAGE_BYTES
from tests.tools.recorder import Recorded
from tests.tools.site import GATE, Site

TOPICS = (
    "ack",
    "drill/ack",
    "cmd/rebirth",
    "drill/cmd/selftest",
    "cmd/make.tea",
    "desired/watchlist",
    "drill/desired/watchlist",
    "desired/residents",
    "desired/recipes",
    "gh/v1/cancheng/host/state",
)
DEEP = 100_000


def filled(size: int) -> bytes:
    """A JSON object of exactly *size* bytes."""
    frame = b'{"alert_id":""}'
    return frame[:-2] + b"x" * (size - len(frame)) + frame[-2:]


PAYLOADS = {
    "empty": b"",
    "not JSON": b"panic!",
    "not UTF-8": b'{"alert_id":"\xff\xfe\x00"}',
    "no object": b"[1,2,3]",
    "a number": b"1e999",
    "null": b"null",
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a key twice": b'{"online":true,"online":false}',
    "unknown type": b'{"alert_id":7,"stage":"eaten","online":"perhaps","doc":[],"cmd_id":{}}',
    "no such stage": b'{"alert_id":"x","stage":"eaten","by":"","at":""}',
    "unknown alert": b'{"alert_id":"0197a3b2-4c11-7000-8000-0","stage":"received","by":"x"}',
    "as large as may be": filled(MAX_MESSAGE_BYTES),
    "one byte too large": filled(MAX_MESSAGE_BYTES + 1),
    "far too large": filled(2 * MAX_MESSAGE_BYTES),
}
# What this test itself says on those topics breaks the contract; what the gate says may not.
OURS = tuple(rf"/{name}: " for name in ("ack", "cmd/[^/]+", "desired/[^/]+", "host/state"))


@pytest.fixture(scope="module", params=["5", "3.1.1"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("wire") / "site"
    with Site(folder, rubbish=OURS, link={"protocol": request.param}) as made:
        made.start("station", "agent")
        yield made


def answers(site: Site, ending: str) -> list[dict[str, object]]:
    """Everything that the gate published on topics of that ending."""
    sent: list[Recorded] = site.recorder.on(ending)
    return [json.loads(message.payload) for message in sent]


@pytest.mark.parametrize("name", list(PAYLOADS))
def test_the_gate_shrugs_and_panic_goes_on(site: Site, name: str) -> None:
    agent, results = site.agent.pid, len(answers(site, "gate-1/result"))
    for topic in TOPICS:
        site.say(topic, PAYLOADS[name])
    site.panic_works()
    assert site.agent.pid == agent
    assert site.agent.running
    assert "Traceback" not in site.agent.log
    assert site.status()["link"] is True
    assert site.status()["issues"] == []
    if len(PAYLOADS[name]) <= MAX_MESSAGE_BYTES:
        told = answers(site, "gate-1/result")[results:]
        assert [found["outcome"] for found in told] == ["refused", "refused"]
        assert str(told[0]["reason"]).startswith("malformed: ")


def test_documents_that_are_refused_are_reported(site: Site) -> None:
    for branch in ("", "drill/"):
        before = len(answers(site, f"gate-1/{branch}reported/watchlist"))
        site.say(f"{branch}desired/watchlist", b'{"doc":"watchlist"}')
        site.until(
            lambda: len(answers(site, f"gate-1/{branch}reported/watchlist")) > before,  # noqa: B023
            5,
        )
        report = answers(site, f"gate-1/{branch}reported/watchlist")[-1]
        assert str(report["refused"]).startswith("malformed: ")
        assert (report["version"], report["rejected"]) == (0, [])
    before = len(answers(site, "gate-1/reported/residents"))
    site.say("desired/residents", b"{}")
    site.until(lambda: len(answers(site, "gate-1/reported/residents")) > before, 5)
    report = answers(site, "gate-1/reported/residents")[-1]
    assert str(report["refused"]).startswith("unsupported: ")
    site.panic_works()


def test_a_flood_of_large_messages_does_not_deafen_the_gate(site: Site) -> None:
    """A broker that drops what is too large for us may lose a place of its window each time."""
    for _ in range(25):
        site.say("ack", PAYLOADS["far too large"])
    for _ in range(3):
        site.panic_works()


def test_a_retained_command_is_refused_with_a_result(tmp_path: Path) -> None:
    """It stood at the broker before the gate came: nobody means it now."""
    with Site(tmp_path / "site", rubbish=OURS) as site:
        site.start("station")
        site.say("cmd/rebirth", b'{"cmd_id":"cmd-00000001"}', retain=True)
        site.start("agent")
        site.until(lambda: answers(site, "gate-1/result"), 5)
        (result,) = answers(site, "gate-1/result")
        assert result["outcome"] == "refused"
        assert str(result["reason"]).startswith("retained")
        births = len(site.recorder.on(f"{GATE}/meta"))
        site.panic_works()
        assert len(site.recorder.on(f"{GATE}/meta")) == births
