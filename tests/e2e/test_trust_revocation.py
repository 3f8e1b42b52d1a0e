"""A revoked gate is out within a minute, stays out, and nobody else notices."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.errors import CheckFailedError
from agent.files.tls import client_context
from agent.identity import enrolment
from tests.support.trust import request_of
from tests.tools.broker import HOST, mosquitto
from tests.tools.messages import alert, body, message_id
from tests.tools.program import until
from tests.tools.site_config import SITE
from tests.tools.trusted import TrustedGate, TrustedStation
from tests.tools.wire import Wire

EFFECTIVE_S = 60.0


@pytest.fixture
def station(tmp_path: Path) -> Iterator[TrustedStation]:
    with TrustedStation(tmp_path) as made:
        yield made


def wire(gate: TrustedGate) -> Wire:
    """Somebody with the gate's key and certificate."""
    folder = gate.identity
    context = client_context(folder.authority, folder.gate, folder.gate)
    return Wire((HOST, gate.station.port), context, gate.address.client_id, clean=False)


def refused(gate: TrustedGate) -> bool:
    with wire(gate) as attempt:
        return attempt.refusal is not None


def test_revoked_means_out_and_others_stay(station: TrustedStation) -> None:
    station.start()
    thief, other = station.gate("gate-1"), station.gate("gate-2")
    thief.join()
    other.join()
    other.start()
    with wire(thief) as stolen:
        topic = thief.address.topic("alert")
        assert stolen.publish(topic, body(alert(1, source=thief.address.base)))
        station.until(lambda: message_id(1) in station.stored())
        began = time.monotonic()
        told = station.run("revoke", f"{SITE}/gate-1")
        assert told["certificates"] == 1
        stolen.wait_ended(EFFECTIVE_S)
        assert time.monotonic() - began < EFFECTIVE_S
    assert refused(thief)
    context = client_context(thief.identity.authority, thief.identity.gate, thief.identity.gate)
    with pytest.raises(CheckFailedError, match="our certificate is revoked"):
        enrolment.renew(station.enrolment, context, request_of(thief.address))
    os.kill(station.broker_pid(), signal.SIGKILL)
    until(lambda: other.agent.log.count("link up") == 2, 30, lambda: other.agent.last_words)
    assert other.agent.log.count("link down") == 1
    assert refused(thief)
    assert not refused(other)


def test_between_revocation_and_the_end_of_the_session_nothing_is_taken(
    station: TrustedStation,
) -> None:
    """The access list is read anew first: what an open session still says is not carried."""
    station.start()
    gate = station.gate("gate-1")
    gate.join()
    source = gate.address.base
    with wire(gate) as stolen:
        topic = gate.address.topic("alert")
        station.run("revoke", f"{SITE}/gate-1")
        taken = 0
        while stolen.publish(topic, body(alert(taken, source=source))):
            taken += 1
        assert not stolen.ended
        late = [stolen.publish(topic, body(alert(taken + n, source=source))) for n in range(20)]
        assert not any(late)
        stolen.wait_ended(EFFECTIVE_S)
    assert station.stored() <= {message_id(n) for n in range(taken)}


def test_the_agent_says_why_and_comes_back_with_a_new_token(station: TrustedStation) -> None:
    station.start()
    gate = station.gate("gate-1")
    gate.join()
    gate.start()
    station.run("revoke", f"{SITE}/gate-1")
    until(lambda: "our certificate is revoked" in gate.agent.log, EFFECTIVE_S)
    gate.ask("sim", verb="press", name="panic-1", for_s=0.2)
    gate.command("init", "--again")
    gate.command("join", station.token("gate-1"))
    until(lambda: gate.status().get("link"), 90, lambda: gate.agent.last_words)
    gate.delivered()
    assert len(station.stored()) >= 1


def test_a_broker_that_somebody_else_runs(station: TrustedStation) -> None:
    """The operator's mosquitto on the generated files, reloaded when 'serve' says so."""
    config = station.folder / "broker" / "mosquitto.conf"
    operators = subprocess.Popen([mosquitto(), "-c", str(config)])
    try:
        station.program.command += ["--broker", f"{HOST}:{station.port}"]
        trust = station.trust
        pem = (str(trust.files.host), str(trust.files.host))
        station.program.command += ["--ca", str(trust.files.authority)]
        station.program.command += ["--cert", pem[0], "--key", pem[1]]
        station.program.command += ["--enrol", str(station.enrol_port)]
        station.start()
        gate = station.gate("gate-1")
        gate.join()
        station.until(lambda: station.events("reload-the-broker"))
        operators.send_signal(signal.SIGHUP)
        with wire(gate) as stolen:
            asked = len(station.events("reload-the-broker"))
            station.run("revoke", f"{SITE}/gate-1")
            station.until(lambda: len(station.events("reload-the-broker")) > asked)
            operators.send_signal(signal.SIGHUP)
            stolen.wait_ended(EFFECTIVE_S)
        assert refused(gate)
    finally:
        operators.terminate()
        operators.wait(10)
