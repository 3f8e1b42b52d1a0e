"""Opening a station's authority, and running its broker and enrolment port beside the server."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agent.core.errors import ConfigError
from agent.files.atomic import write_atomic
from contract.join import Place
from station.keys import Station
from station.options import Tls
from station.trust.authority import Authority
from station.trust.broker import OwnBroker
from station.trust.files import Plan, TrustFiles, read_authority, read_plan
from station.trust.office import Office
from station.trust.port import EnrolmentPort
from station.trust.questions import Questions, Tell
from station.trust.registry import Registry
from station.trust.setup import renew_own, write_config
from station.trust.upkeep import Upkeep

OWN = "mosquitto"


@dataclass(frozen=True, slots=True)
class Trust:
    """A station's authority, opened."""

    files: TrustFiles
    station: str
    plan: Plan
    authority: Authority

    @property
    def tls(self) -> Tls:
        """How the station itself speaks to a broker."""
        return Tls(self.files.authority, self.files.host, self.files.host)

    def office(self, registry: Registry) -> Office:
        """Its office, on a registry of the caller's thread."""
        return Office(self.files, self.station, self.plan, self.authority, registry)


def open_trust(made: Station) -> Trust:
    """The authority of a station; ConfigError when it has none or it cannot be used."""
    files = TrustFiles(made.folder.absolute())
    return Trust(files, made.id, read_plan(files), read_authority(files))


def has_trust(made: Station) -> bool:
    """True when the station was made with an authority."""
    return TrustFiles(made.folder).plan.exists()


@contextmanager
def open_office(made: Station) -> Iterator[tuple[Trust, Registry, Office]]:
    """For commands: the office on a registry that is closed again."""
    trust = open_trust(made)
    registry = Registry(trust.files.registry)
    try:
        yield trust, registry, trust.office(registry)
    finally:
        registry.close()


@contextmanager
def running(
    made: Station, named: Sequence[Place], enrol: int | None, tell: Tell
) -> Iterator[Trust]:
    """The broker (our own unless others are *named*), the enrolment port and their upkeep.

    *enrol* is the port to listen on; None: the planned one with our own broker, else none.
    ConfigError before anything was started.
    """
    trust = _prepared(open_trust(made), enrol)
    broker = None if named else OwnBroker(trust.files, tell, time.monotonic)
    places = named or [Place(trust.plan.here, trust.plan.port)]
    upkeep = Upkeep(
        trust.files, made.id, trust.plan, trust.authority, places, broker, tell, time.monotonic
    )
    with ExitStack() as stack:
        if enrol is not None or not named:
            port = _port(trust, tell)
            number = port.open()
            stack.callback(port.close)
            tell("enrolment-open", {"port": number})
        upkeep.start()
        stack.callback(upkeep.stop)
        yield trust


def _prepared(trust: Trust, enrol: int | None) -> Trust:
    """Bring everything that is generated up to date."""
    if enrol is not None and enrol != trust.plan.enrol_port:
        if not 0 < enrol < 65536:
            raise ConfigError(f"{enrol} is no port")
        trust = replace(trust, plan=replace(trust.plan, enrol_port=enrol))
        write_atomic(trust.files.plan, trust.plan.to_json(), mode=0o600)
    renew_own(trust.files, trust.authority, trust.station, trust.plan, datetime.now(UTC))
    write_config(trust.files, trust.files, trust.station, trust.plan)
    registry = Registry(trust.files.registry)
    try:
        trust.office(registry).publish()
    finally:
        registry.close()
    return trust


def _port(trust: Trust, tell: Tell) -> EnrolmentPort:
    def questions() -> Questions:
        office = trust.office(Registry(trust.files.registry))
        pem = trust.files.authority.read_text(encoding="ascii")
        return Questions(office, pem, tell, time.monotonic)

    return EnrolmentPort(trust.plan.bind, trust.plan.enrol_port, trust.files, questions, tell)
