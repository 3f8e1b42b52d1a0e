"""A station's authority in memory and on disk, with a clock that stands still, and gates' keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from agent.core.clock import ManualClock
from agent.identity.request import make_key, make_request
from contract.join import JoinToken
from contract.topics import Address
from station.trust.authority import Authority, make_authority
from station.trust.files import Plan, TrustFiles
from station.trust.mosquitto import folders
from station.trust.office import Joined, Office
from station.trust.registry import Registry
from tests.support.signed import TRUSTED

GATE = Address("cancheng", "liya-garden", "gate-1")
OTHER = Address("cancheng", "no3-school", "gate-2")
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
PLAN = Plan(("station.example.net", "192.0.2.7"), gate_life_s=timedelta(days=30).total_seconds())
AUTHORITY = make_authority("cancheng", "test", NOW)


class Bench:
    """An office whose clock and files a test looks at."""

    def __init__(self, folder: Path, authority: Authority = AUTHORITY) -> None:
        self.clock = ManualClock("2026-11-21T08:00:00Z")
        self.files = TrustFiles(folder)
        (folder / "tls").mkdir(parents=True)
        for made in folders(self.files):
            made.mkdir()
        (folder / "trusted-keys.json").write_bytes(TRUSTED.to_json())
        self.registry = Registry(self.files.registry)
        self.office = Office(
            self.files, "cancheng", PLAN, authority, self.registry, now_ns=self.clock.utc_ns
        )

    def close(self) -> None:
        """Give the registry back."""
        self.registry.close()

    def token(self, gate: Address = GATE, *areas: str, hours: float = 24) -> JoinToken:
        """A token."""
        return self.office.issue_token(gate, areas, hours)[0]

    def joined(self, gate: Address = GATE, *areas: str) -> Joined:
        """A gate that joined and confirmed."""
        made = self.office.join(self.token(gate, *areas).secret, request_of(gate))
        self.office.confirm(made.serial)
        return made

    def users(self) -> list[str]:
        """Who stands in the access list."""
        lines = self.files.rights.read_text("utf-8").splitlines()
        return [line.removeprefix("user ") for line in lines if line.startswith("user ")]


def request_of(gate: Address = GATE, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """A request with a fresh key."""
    return make_request(key or make_key(), gate)


def trusted_json() -> dict[str, object]:
    """The role keys as they stand in papers."""
    value: dict[str, object] = json.loads(TRUSTED.to_json())
    return value
