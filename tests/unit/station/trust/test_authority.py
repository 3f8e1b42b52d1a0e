"""What the authority signs: profiles that cannot stand in for each other."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from agent.core.errors import CheckFailedError
from agent.identity.request import make_key, make_request
from station.trust.authority import (
    Revoked,
    issue_client,
    issue_server,
    make_authority,
    read_request,
    request_name,
    sign_list,
)
from tests.support.trust import AUTHORITY, GATE, NOW, OTHER, request_of

DAY = timedelta(days=1)
_T = TypeVar("_T", bound=x509.ExtensionType)


def extension(made: x509.Certificate, kind: type[_T]) -> _T:
    return made.extensions.get_extension_for_class(kind).value


def test_the_authority_is_p256_for_ten_years_and_may_sign() -> None:
    made = AUTHORITY.certificate
    assert isinstance(AUTHORITY.key.curve, ec.SECP256R1)
    assert made.not_valid_after_utc - NOW > timedelta(days=3650)
    assert extension(made, x509.BasicConstraints) == x509.BasicConstraints(ca=True, path_length=0)
    usage = extension(made, x509.KeyUsage)
    assert usage.key_cert_sign
    assert usage.crl_sign
    assert not usage.digital_signature
    assert "key=" not in repr(AUTHORITY)


def test_two_stations_of_one_id_are_two_authorities() -> None:
    other = make_authority("cancheng", "other", NOW)
    assert other.pin != AUTHORITY.pin
    assert other.certificate.subject != AUTHORITY.certificate.subject


def test_a_server_cannot_be_a_client_nor_a_client_a_server() -> None:
    key = make_key().public_key()
    server = issue_server(AUTHORITY, key, ["broker.example", "192.0.2.7", "::1"], NOW, DAY)
    client = issue_client(AUTHORITY, key, GATE.client_id, NOW, DAY)
    uses = [list(extension(made, x509.ExtendedKeyUsage)) for made in (server, client)]
    assert uses == [[ExtendedKeyUsageOID.SERVER_AUTH], [ExtendedKeyUsageOID.CLIENT_AUTH]]
    names = extension(server, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == ["broker.example"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7", "::1"]
    for made in (server, client):
        made.verify_directly_issued_by(AUTHORITY.certificate)
        assert not extension(made, x509.BasicConstraints).ca
    with pytest.raises(x509.ExtensionNotFound):
        extension(client, x509.SubjectAlternativeName)


def test_certificates_are_dated_back_a_little_and_end_with_the_authority() -> None:
    key = make_key().public_key()
    long = issue_client(AUTHORITY, key, "a", NOW, timedelta(days=9999))
    assert long.not_valid_before_utc == NOW - timedelta(hours=1)
    assert long.not_valid_after_utc == AUTHORITY.certificate.not_valid_after_utc
    short = issue_client(AUTHORITY, key, "a", NOW, timedelta(seconds=30))
    assert short.not_valid_before_utc == NOW - timedelta(seconds=3)


def test_the_revocation_list_outlives_every_certificate() -> None:
    pem = sign_list(AUTHORITY, [Revoked(5, NOW)], 3, NOW)
    made = x509.load_pem_x509_crl(pem)
    key = AUTHORITY.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert made.is_signature_valid(key)
    assert [item.serial_number for item in made] == [5]
    assert made.next_update_utc == AUTHORITY.certificate.not_valid_after_utc


def test_only_a_fit_request_is_read() -> None:
    key = make_key()
    pem = make_request(key, GATE)
    assert read_request(pem, GATE.client_id) == key.public_key()
    assert request_name(pem) == GATE.client_id
    with pytest.raises(CheckFailedError, match=r"not of cancheng\.no3-school"):
        read_request(pem, OTHER.client_id)
    for broken in (b"", b"nonsense", pem[:-40], pem.replace(b"REQUEST", b"CERTIFICATE")):
        with pytest.raises(CheckFailedError, match="cannot be read"):
            read_request(broken, GATE.client_id)


def test_a_request_with_a_changed_byte_is_refused() -> None:
    request = x509.load_pem_x509_csr(request_of())
    der = bytearray(request.public_bytes(Encoding.DER))
    at = der.index(b"liya-garden")
    der[at] = ord("x")
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)
    with pytest.raises(CheckFailedError, match="own key"):
        read_request(forged, "cancheng.xiya-garden.gate-1")


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()]
)
def test_another_kind_of_key_is_refused(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
) -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, GATE.client_id)])
    draft = x509.CertificateSigningRequestBuilder().subject_name(name)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only here

        made = draft.sign(key, hashes.SHA256())
    else:
        made = draft.sign(key, None)
    with pytest.raises(CheckFailedError, match="P-256"):
        read_request(made.public_bytes(Encoding.PEM), GATE.client_id)
