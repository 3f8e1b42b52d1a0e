"""A gate's key, its certificate request, and whether what came back is right. No files, no network.

The key is ECDSA P-256, made here and never sent: a request carries its public half and proves that
we have the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from agent.core.errors import CheckFailedError, ConfigError
from contract.join import read_gate
from contract.topics import Address

# What the library raises on keys, requests and certificates that are none, or of no known kind.
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a gate needs to know of its certificate."""

    gate: Address
    serial: str
    not_before: datetime
    not_after: datetime
    key_digest: bytes

    @property
    def renew_at(self) -> datetime:
        """When two thirds of its life are over."""
        return self.not_after - (self.not_after - self.not_before) / 3


def make_key() -> ec.EllipticCurvePrivateKey:
    """A new key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as it lies in a file of mode 0600."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """A key from its file; ConfigError when it is none."""
    try:
        key = load_pem_private_key(pem, password=None)
    except UNREADABLE as error:
        raise ConfigError(f"the gate's key cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError("the gate's key is not ECDSA")
    return key


def make_request(key: ec.EllipticCurvePrivateKey, gate: Address) -> bytes:
    """A certificate request (PKCS 10, PEM) in the gate's name."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gate.client_id)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    return request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def request_gate(pem: bytes) -> Address:
    """Whose request it is; ConfigError when it cannot be read."""
    try:
        return _gate(x509.load_pem_x509_csr(pem).subject)
    except UNREADABLE as error:
        raise ConfigError(f"the certificate request cannot be read: {error}") from error


def key_digest(key: ec.EllipticCurvePublicKey) -> bytes:
    """SHA-256 of the public key (SubjectPublicKeyInfo): the fingerprint that people compare."""
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).digest()


def authority_pin(pem: str) -> bytes:
    """SHA-256 of a CA certificate, as a token carries it; CheckFailedError when it is none."""
    return _load(pem).fingerprint(hashes.SHA256())


def read_certificate(pem: bytes) -> Certificate:
    """A gate's certificate from its file; ConfigError when it cannot be read."""
    try:
        return _facts(x509.load_pem_x509_certificate(pem))
    except UNREADABLE as error:
        raise ConfigError(f"the gate's certificate cannot be read: {error}") from error


def check_certificate(
    pem: str, authority: str, gate: Address, key: ec.EllipticCurvePrivateKey, now: datetime
) -> Certificate:
    """What the station answered, held against what we asked for; CheckFailedError otherwise.

    A clock that lags is no reason to refuse: the station dates certificates back a little, and a
    gate that has no time yet cannot judge at all. One that has run out already is.
    """
    found, above = _load(pem), _load(authority)
    try:
        found.verify_directly_issued_by(above)
        facts = _facts(found)
    except (*UNREADABLE, InvalidSignature) as error:
        raise CheckFailedError("the certificate is not of the station's authority") from error
    if facts.gate != gate:
        raise CheckFailedError(f"the certificate is for {facts.gate.client_id}, not for this gate")
    if facts.key_digest != key_digest(key.public_key()):
        raise CheckFailedError("the certificate is for another key")
    if facts.not_after <= now:
        raise CheckFailedError(
            f"the certificate ran out at {facts.not_after:%Y-%m-%d %H:%M}; is the clock right?"
        )
    return facts


def _load(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except UNREADABLE as error:
        raise CheckFailedError(
            f"the station sent something else than a certificate: {error}"
        ) from error


def _facts(certificate: x509.Certificate) -> Certificate:
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ValueError("its key is not ECDSA")  # noqa: TRY004 - one error for bad input
    return Certificate(
        gate=_gate(certificate.subject),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_digest=key_digest(public),
    )


def _gate(subject: x509.Name) -> Address:
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return read_gate(str(names[0].value) if names else "")
