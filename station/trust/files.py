"""Where a station keeps its authority and its broker's files, and how they are read.

::

    tls/ca.pem crl.pem            what gates and the broker trust, and whom no more
    tls/server.pem host.pem       certificate and key in one file, so that both change at once
    tls/plan.json                 under which names and ports the station is reached
    keys/ca.key                   the authority's key: whoever has it makes gates
    broker/mosquitto.conf acl     written anew at every 'station serve' and every change
    broker/conf.d/*.conf          an operator's own lines
    registry.db                   tokens, gates, certificates
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from agent.core.errors import ConfigError
from contract.signing import strict_json
from station.trust.authority import Authority

MAX_BYTES = 64 * 1024
_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
DEFAULT_PORT = 8883
DEFAULT_ENROL_PORT = 8884
DEFAULT_GATE_LIFE_S = 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How the station is reached: names for gates (the first is told to them), ports.

    ``bind`` is the address that the broker and the enrolment port listen on; empty: every one.
    ``gate_life_s`` is how long a gate's certificate is good.
    """

    hosts: tuple[str, ...]
    bind: str = ""
    port: int = DEFAULT_PORT
    enrol_port: int = DEFAULT_ENROL_PORT
    gate_life_s: float = DEFAULT_GATE_LIFE_S

    def to_json(self) -> bytes:
        """As it lies in ``tls/plan.json``."""
        return json.dumps({**asdict(self), "hosts": list(self.hosts)}, indent=2).encode() + b"\n"

    @property
    def here(self) -> str:
        """The address under which the station itself reaches its broker."""
        anywhere = self.bind in ("", "0.0.0.0", "::")  # noqa: S104 - what an operator may write
        return "127.0.0.1" if anywhere else self.bind


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """Paths below one station's folder."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The CA's certificate, for everybody."""
        return self.folder / "tls" / "ca.pem"

    @property
    def authority_key(self) -> Path:
        """The CA's key, for nobody."""
        return self.folder / "keys" / "ca.key"

    @property
    def revoked(self) -> Path:
        """The revocation list."""
        return self.folder / "tls" / "crl.pem"

    @property
    def server(self) -> Path:
        """Certificate and key of the broker and the enrolment port."""
        return self.folder / "tls" / "server.pem"

    @property
    def host(self) -> Path:
        """Certificate and key of the station as a client of its broker."""
        return self.folder / "tls" / "host.pem"

    @property
    def plan(self) -> Path:
        """Names and ports."""
        return self.folder / "tls" / "plan.json"

    @property
    def broker(self) -> Path:
        """The broker's folder."""
        return self.folder / "broker"

    @property
    def config(self) -> Path:
        """The broker's configuration."""
        return self.broker / "mosquitto.conf"

    @property
    def rights(self) -> Path:
        """The broker's access list."""
        return self.broker / "acl"

    @property
    def registry(self) -> Path:
        """Tokens, gates, certificates."""
        return self.folder / "registry.db"


def read_plan(files: TrustFiles) -> Plan:
    """The plan; ConfigError when the station has none, or one that cannot be used."""
    try:
        value = strict_json(files.plan.read_bytes(), MAX_BYTES)
    except FileNotFoundError as error:
        raise ConfigError(
            f"the station in {files.folder} has no certificates of its own; "
            "'gatehouse station init' makes one that has"
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{files.plan} cannot be read: {error}") from error
    known = {field.name for field in fields(Plan)}
    try:
        plan = Plan(**{**value, "hosts": tuple(value["hosts"])})
    except (KeyError, TypeError) as error:
        raise ConfigError(f"{files.plan} is not {', '.join(sorted(known))}: {error}") from error
    check_plan(plan)
    return plan


def check_plan(plan: Plan) -> None:
    """ConfigError for names and ports that cannot be."""
    texts = (plan.bind, *plan.hosts)
    if not all(isinstance(text, str) for text in texts):
        raise ConfigError("a station's names and addresses have to be texts")
    if not plan.hosts:
        raise ConfigError("a station needs a name under which gates reach it")
    for host in (*plan.hosts, *([plan.bind] if plan.bind else [])):
        if not (_is_address(host) or _NAME.fullmatch(host)):
            raise ConfigError(f"{host!r} is no host name and no address")
    for port in (plan.port, plan.enrol_port):
        if type(port) is not int or not 0 < port < 65536:
            raise ConfigError(f"{port!r} is no port")
    if type(plan.gate_life_s) not in {int, float} or not plan.gate_life_s > 0:
        raise ConfigError("a gate's certificate has to live for a while")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def read_authority(files: TrustFiles) -> Authority:
    """The CA with its key; ConfigError when it is missing, damaged or open to others."""
    path = files.authority_key
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} is open to others; close it with 'chmod 600 {path}'")
        key = load_pem_private_key(path.read_bytes(), password=None)
        certificate = read_certificate(files.authority)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"the station's authority cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path} is no ECDSA key")
    return Authority(certificate, key)


def read_certificate(path: Path) -> x509.Certificate:
    """The first certificate of a PEM file; OSError or ValueError otherwise."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from error


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as it lies in a file that only its owner reads."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(certificate: x509.Certificate) -> bytes:
    """A certificate as it lies in a file."""
    return certificate.public_bytes(Encoding.PEM)
