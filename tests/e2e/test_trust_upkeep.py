"""What 'station serve' keeps up by itself: its broker, its broker's certificate."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from station.trust.setup import renew_own
from tests.tools.broker import HOST
from tests.tools.trusted import TrustedStation


def served(station: TrustedStation) -> str:
    """The serial number of the certificate that the broker shows."""
    context = ssl.create_default_context(cafile=str(station.trust.files.authority))
    host = str(station.trust.files.host)
    context.load_cert_chain(host)
    with (
        socket.create_connection((HOST, station.port), 5) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as wire,
    ):
        return str((wire.getpeercert() or {})["serialNumber"])


def test_a_new_certificate_of_the_broker_is_shown_and_no_session_ends(tmp_path: Path) -> None:
    with TrustedStation(tmp_path) as station:
        station.start()
        gate = station.gate("gate-1")
        gate.join()
        gate.start()
        before, trust = served(station), station.trust
        later = datetime.now(UTC) + timedelta(days=300)
        reloads = len(station.events("broker-reloaded"))
        made = renew_own(trust.files, trust.authority, trust.station, trust.plan, later)
        assert made == ["server", "host"]
        station.until(lambda: len(station.events("broker-reloaded")) > reloads)
        # dated 300 days ahead: who checks it now refuses, which tells that it is the new one
        station.until(lambda: _is_shown(station, before))
        assert "link down" not in gate.agent.log
        assert len(station.events("connected")) == 1


def _is_shown(station: TrustedStation, before: str) -> bool:
    try:
        return served(station) != before
    except ssl.SSLCertVerificationError as error:
        return "not yet valid" in error.verify_message


def test_a_port_that_is_taken_is_told_and_tried_again(tmp_path: Path) -> None:
    with TrustedStation(tmp_path) as station:
        with socket.create_server((HOST, station.port)):
            station.program.start()
            ended = station.until(lambda: station.events("broker-ended"))
            assert "Address already in use" in ended[0]["said"]
        station.until(lambda: station.events("connected"))


def test_stopping_the_station_stops_its_broker(tmp_path: Path) -> None:
    with TrustedStation(tmp_path) as station:
        station.start()
        pid = station.broker_pid()
        assert station.program.stop() == 0
        assert not Path(f"/proc/{pid}").exists()
        station.start()
        pid = station.broker_pid()
        station.program.kill()
        station.until(lambda: not Path(f"/proc/{pid}").exists())
