"""A real mosquitto on a station's generated files, with gates and an all-hearing observer.

For what the generated access list and configuration do; ``station serve`` does not run here.
"""

from __future__ import annotations

import ssl
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from agent.files.tls import client_context
from agent.identity.request import key_pem, make_key
from contract.topics import Address
from station.trust import actions
from station.trust.authority import Authority, issue_client
from station.trust.files import Plan, TrustFiles, public_pem, read_authority
from station.trust.mosquitto import Member, rights_text
from tests.tools.broker import HOST, free_port, mosquitto
from tests.tools.wire import Wire

STATION = "cancheng"
OBSERVER = f"{STATION}.observer"
SEES_ALL = f"\nuser {OBSERVER}\ntopic readwrite #\ntopic read $SYS/#\n"


@dataclass(frozen=True, slots=True)
class Bearer:
    """A name with a certificate of the station's authority."""

    name: str
    pem: Path


class TrustedBroker:
    """mosquitto, configured by ``station init``. A context manager."""

    def __init__(self, folder: Path, members: list[Member]) -> None:
        self.port = free_port()
        plan = Plan((HOST,), HOST, self.port, free_port())
        actions.init(folder / "station", STATION, "", plan)
        self.files = TrustFiles(folder / "station")
        self.files.rights.write_text(rights_text(STATION, members) + SEES_ALL, encoding="utf-8")
        self.authority: Authority = read_authority(self.files)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([mosquitto(), "-c", str(self.files.config)])
        with self.wire(self.bearer(OBSERVER), tries=50):
            return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    @property
    def log(self) -> str:
        """What mosquitto logged."""
        return (self.files.broker / "mosquitto.log").read_text("utf-8", "replace")

    def bearer(
        self,
        name: str,
        *,
        authority: Authority | None = None,
        began: timedelta = timedelta(0),
        life: timedelta = timedelta(hours=1),
    ) -> Bearer:
        """A certificate for *name*, which began that long ago."""
        key = make_key()
        since = datetime.now(UTC) - began
        made = issue_client(authority or self.authority, key.public_key(), name, since, life)
        path = self._folder / f"{name}-{made.serial_number:x}.pem"
        path.write_bytes(public_pem(made) + key_pem(key))
        return Bearer(name, path)

    def context(self, bearer: Bearer) -> ssl.SSLContext:
        """TLS as a gate speaks it."""
        return client_context(self.files.authority, bearer.pem, bearer.pem)

    def wire(
        self,
        bearer: Bearer,
        *,
        five: bool = True,
        client_id: str | None = None,
        will: str = "",
        tries: int = 1,
    ) -> Wire:
        """A connection, not entered yet; *tries* waits for the broker to listen."""
        place = (HOST, self.port)
        for _ in range(tries - 1):
            with Wire(place, self.context(bearer), bearer.name) as probe:
                if probe.refusal is None:
                    break
            time.sleep(0.05)
        name = bearer.name if client_id is None else client_id
        return Wire(place, self.context(bearer), name, five=five, will=will)


def member(site: str, node: str, *areas: str) -> Member:
    """A gate of the station."""
    return Member(Address(STATION, site, node), areas)
