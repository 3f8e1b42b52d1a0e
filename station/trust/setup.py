"""Making a station's authority and its own certificates, and renewing the latter."""

from __future__ import annotations

import os
import pwd
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agent.files.atomic import write_atomic
from station.trust.authority import Authority, issue_client, issue_server, make_authority
from station.trust.files import Plan, TrustFiles, private_pem, public_pem, read_certificate
from station.trust.mosquitto import config_text, folders, host_name
from station.trust.office import Office
from station.trust.registry import Registry

OWN_LIFE = timedelta(days=397)
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def make_trust(draft: Path, final: Path, station: str, plan: Plan) -> Authority:
    """Fill *draft*, which becomes *final*, with everything of ``station.trust.files``."""
    files = TrustFiles(draft)
    (draft / "tls").mkdir(mode=0o700)
    now = datetime.now(UTC)
    authority = make_authority(station, secrets.token_hex(4), now)
    write_atomic(files.authority_key, private_pem(authority.key), mode=0o600)
    write_atomic(files.authority, public_pem(authority.certificate), mode=0o644)
    write_atomic(files.plan, plan.to_json(), mode=0o600)
    renew_own(files, authority, station, plan, now)
    write_config(files, TrustFiles(final), station, plan)
    registry = Registry(files.registry)
    try:
        Office(files, station, plan, authority, registry).publish()
    finally:
        registry.close()
    return authority


def write_config(files: TrustFiles, final: TrustFiles, station: str, plan: Plan) -> None:
    """Write mosquitto's configuration into *files*, for a station that lies in *final*."""
    for folder in folders(files):
        folder.mkdir(mode=0o700, exist_ok=True)
    text = config_text(TrustFiles(final.folder.absolute()), station, plan, _user())
    write_atomic(files.config, text.encode(), mode=0o600)


def _user() -> str:
    """Who mosquitto runs as when root starts it: us, who own the files that it reads."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return "mosquitto"


def renew_own(
    files: TrustFiles, authority: Authority, station: str, plan: Plan, now: datetime
) -> list[str]:
    """Make the broker's and the station's certificates where they are due; returns which.

    Due is what is missing, in the last third of its life, or without one of the planned names.
    """
    names = list(dict.fromkeys((*plan.hosts, *LOCAL_NAMES, *([plan.bind] if plan.bind else []))))
    made = []
    if _is_due(files.server, now, names):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issue_server(authority, key.public_key(), names, now, OWN_LIFE)
        _write_pair(files.server, key, certificate)
        made.append("server")
    if _is_due(files.host, now, ()):
        key = ec.generate_private_key(ec.SECP256R1())
        name = host_name(station)
        certificate = issue_client(authority, key.public_key(), name, now, OWN_LIFE)
        _write_pair(files.host, key, certificate)
        made.append("host")
    return made


def _write_pair(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    write_atomic(path, public_pem(certificate) + private_pem(key), mode=0o600)


def _is_due(path: Path, now: datetime, names: Sequence[str]) -> bool:
    try:
        certificate = read_certificate(path)
    except (OSError, ValueError):
        return True
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if now > certificate.not_valid_after_utc - life / 3:
        return True
    return bool(names) and set(names) != set(_names(certificate))


def _names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return [*found.get_values_for_type(x509.DNSName), *addresses]
