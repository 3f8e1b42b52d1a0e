"""The station's own certificate authority: what it signs, and with what in it. No files, no clock.

ECDSA P-256 with SHA-256 throughout. Profiles (RFC 5280): the CA signs certificates and revocation
lists and nothing below it may be a CA; a broker's certificate is for servers only and has names, a
gate's or the station's is for clients only and has a common name, so neither can stand in for the
other. The revocation list is read from a file beside the broker and never fetched, so it does not
run out before the CA does: a list that ran out would lock every gate out.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.core.errors import CheckFailedError

AUTHORITY_LIFE = timedelta(days=3653)
LONGEST_NAME = 64  # X.520's limit for a common name
LONGEST_BACKDATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA's certificate and key; the key shows in no ``repr``."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pin(self) -> bytes:
        """SHA-256 of the certificate: what tokens carry and people compare."""
        return self.certificate.fingerprint(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Revoked:
    """A certificate that is not to be trusted any more."""

    serial: int
    at: datetime


def make_authority(station: str, mark: str, now: datetime) -> Authority:
    """A new CA; *mark* tells it from another one of the same station."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"gatehouse {station} {mark}"[:LONGEST_NAME])
    usage = _usage(signs_certificates=True)
    certificate = (
        _draft(name, name, key.public_key(), key.public_key())
        .not_valid_before(now - LONGEST_BACKDATE)
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def issue_server(
    authority: Authority,
    public: ec.EllipticCurvePublicKey,
    names: Sequence[str],
    now: datetime,
    life: timedelta,
) -> x509.Certificate:
    """A certificate for a broker that is reached under *names* (host names and addresses)."""
    alternative = x509.SubjectAlternativeName([_general_name(name) for name in names])
    draft = _end_entity(authority, names[0][:LONGEST_NAME], public, now, life)
    draft = draft.add_extension(alternative, critical=False)
    return _signed(draft, authority, ExtendedKeyUsageOID.SERVER_AUTH)


def issue_client(
    authority: Authority,
    public: ec.EllipticCurvePublicKey,
    common_name: str,
    now: datetime,
    life: timedelta,
) -> x509.Certificate:
    """A certificate for a gate or the station; *common_name* is who it is at the broker."""
    draft = _end_entity(authority, common_name, public, now, life)
    return _signed(draft, authority, ExtendedKeyUsageOID.CLIENT_AUTH)


def sign_list(
    authority: Authority, revoked: Iterable[Revoked], number: int, issued: datetime
) -> bytes:
    """The revocation list in PEM. *issued* must grow from list to list, by seconds at least."""
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    draft = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(issued)
        .next_update(authority.certificate.not_valid_after_utc)
        .add_extension(identifier, critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for item in revoked:
        draft = draft.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(item.serial)
            .revocation_date(item.at)
            .build()
        )
    return draft.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def read_request(pem: bytes, common_name: str) -> ec.EllipticCurvePublicKey:
    """The key of a certificate request of *common_name*; CheckFailedError when it is unfit.

    Only the key is taken from it: everything else in a certificate is the station's word.
    """
    try:
        request = x509.load_pem_x509_csr(pem)
        valid = request.is_signature_valid
        public = request.public_key()
    except Exception as error:
        raise CheckFailedError(f"the certificate request cannot be read: {error}") from error
    if not valid:
        raise CheckFailedError("the certificate request is not signed by its own key")
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != "secp256r1":
        raise CheckFailedError("the certificate request's key is not ECDSA P-256")
    names = [str(n.value) for n in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [common_name]:
        raise CheckFailedError(f"the certificate request is of {names}, not of {common_name}")
    return public


def request_name(pem: bytes) -> str:
    """Who a certificate request says it is of; CheckFailedError when it cannot be read."""
    try:
        names = x509.load_pem_x509_csr(pem).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except Exception as error:
        raise CheckFailedError(f"the certificate request cannot be read: {error}") from error
    return str(names[0].value) if names else ""


def key_digest(public: ec.EllipticCurvePublicKey) -> bytes:
    """SHA-256 of the public key (SubjectPublicKeyInfo): the fingerprint that people compare."""
    info = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).digest()


def _end_entity(
    authority: Authority,
    common_name: str,
    public: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    """Back-dated a little: a gate's clock may be behind the station's."""
    issuer = authority.certificate
    return (
        _draft(_name(common_name), issuer.subject, public, authority.key.public_key())
        .not_valid_before(now - min(LONGEST_BACKDATE, life / 10))
        .not_valid_after(min(now + life, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
    )


def _signed(
    draft: x509.CertificateBuilder, authority: Authority, use: x509.ObjectIdentifier
) -> x509.Certificate:
    extended = x509.ExtendedKeyUsage([use])
    return draft.add_extension(extended, critical=False).sign(authority.key, hashes.SHA256())


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(public)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .add_extension(own, critical=False)
        .add_extension(above, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
