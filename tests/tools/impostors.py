"""Certificates that nobody should accept, by what is wrong with them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from agent.identity.request import key_pem, make_key
from station.trust.authority import Authority, issue_client, issue_server, make_authority
from station.trust.files import public_pem

DAY = timedelta(days=1)
LOCAL = ["localhost", "127.0.0.1"]


def pem(folder: Path, make: Callable[[ec.EllipticCurvePrivateKey], x509.Certificate]) -> Path:
    """A file with what *make* gives for a fresh key, and that key."""
    key = make_key()
    path = folder / f"{x509.random_serial_number():x}.pem"
    path.write_bytes(public_pem(make(key)) + key_pem(key))
    return path


def self_signed(
    key: ec.EllipticCurvePrivateKey, name: str, names: list[str] | None = None
) -> x509.Certificate:
    """A certificate that only vouches for itself."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    addresses: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n)
        for n in names or LOCAL
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(key, hashes.SHA256())
    )


def bad_server(folder: Path, authority: Authority, fault: str) -> Path:
    """A server's file with that fault; ``none`` has none."""
    now = datetime.now(UTC)
    stranger = make_authority("cancheng", "stranger", now)

    issue = {
        "none": (authority, LOCAL, now),
        "expired": (authority, LOCAL, now - 2 * DAY),
        "future": (authority, LOCAL, now + DAY),
        "foreign": (stranger, LOCAL, now),
        "wrong-name": (authority, ["other.example"], now),
    }

    def make(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        public = key.public_key()
        if fault == "self-signed":
            return self_signed(key, "127.0.0.1")
        if fault == "gate":
            return issue_client(authority, public, "127.0.0.1", now, DAY)
        by, names, since = issue[fault]
        return issue_server(by, public, names, since, DAY)

    return pem(folder, make)


def bad_client(folder: Path, authority: Authority, name: str, fault: str) -> Path:
    """A client's file of *name* with that fault; ``none`` has none."""
    now = datetime.now(UTC)
    stranger = make_authority("cancheng", "stranger", now)

    issue = {
        "none": (authority, now),
        "expired": (authority, now - 2 * DAY),
        "future": (authority, now + DAY),
        "foreign": (stranger, now),
    }

    def make(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        public = key.public_key()
        if fault == "self-signed":
            return self_signed(key, name, [name])
        if fault == "server":
            return issue_server(authority, public, [name], now, DAY)
        by, since = issue[fault]
        return issue_client(by, public, name, since, DAY)

    return pem(folder, make)
