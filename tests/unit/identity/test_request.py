"""A gate's key and request, and what it accepts as an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.core.errors import CheckFailedError, ConfigError
from agent.identity.request import (
    authority_pin,
    check_certificate,
    key_digest,
    key_pem,
    make_key,
    make_request,
    read_certificate,
    read_key,
    request_gate,
)
from station.trust.authority import issue_client, make_authority
from station.trust.authority import key_digest as station_digest
from station.trust.files import public_pem
from tests.support.trust import AUTHORITY, GATE, NOW, OTHER

CA = public_pem(AUTHORITY.certificate).decode()
DAY = timedelta(days=1)


def test_a_request_is_of_this_gate_and_both_sides_show_one_fingerprint() -> None:
    key = make_key()
    pem = make_request(key, GATE)
    assert request_gate(pem) == GATE
    assert isinstance(key.curve, ec.SECP256R1)
    assert key_digest(key.public_key()) == station_digest(key.public_key())
    request = x509.load_pem_x509_csr(pem)
    assert request.public_key() == key.public_key()
    assert b"PRIVATE" not in pem
    assert read_key(key_pem(key)).public_key() == key.public_key()


def test_two_thirds_of_its_life() -> None:
    made = issue_client(AUTHORITY, make_key().public_key(), GATE.client_id, NOW, timedelta(days=30))
    facts = read_certificate(public_pem(made))
    life = facts.not_after - facts.not_before
    assert facts.renew_at == facts.not_before + 2 * life / 3
    assert facts.gate == GATE


def test_a_right_answer_is_accepted() -> None:
    key = make_key()
    made = issue_client(AUTHORITY, key.public_key(), GATE.client_id, NOW, DAY)
    facts = check_certificate(public_pem(made).decode(), CA, GATE, key, NOW)
    assert facts.key_digest == key_digest(key.public_key())
    late = NOW - timedelta(days=20_000)
    assert check_certificate(public_pem(made).decode(), CA, GATE, key, late) == facts


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("other-gate", "is for cancheng"),
        ("other-key", "for another key"),
        ("other-authority", "not of the station's authority"),
        ("expired", "ran out"),
        ("nonsense", "something else than a certificate"),
    ],
)
def test_a_wrong_answer_is_not(fault: str, problem: str) -> None:
    key = make_key()
    stranger = make_authority("cancheng", "stranger", NOW)
    signer = stranger if fault == "other-authority" else AUTHORITY
    public = make_key().public_key() if fault == "other-key" else key.public_key()
    gate = OTHER if fault == "other-gate" else GATE
    made = issue_client(signer, public, gate.client_id, NOW, DAY)
    text = "nonsense" if fault == "nonsense" else public_pem(made).decode()
    now = NOW + 2 * DAY if fault == "expired" else NOW
    with pytest.raises(CheckFailedError, match=problem):
        check_certificate(text, CA, GATE, key, now)


def test_the_pin_is_of_the_authority() -> None:
    assert authority_pin(CA) == AUTHORITY.pin
    with pytest.raises(CheckFailedError):
        authority_pin("x")


def test_unfit_files_are_named() -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for data in (b"", pem):
        with pytest.raises(ConfigError, match="key"):
            read_key(data)
    for read in (request_gate, read_certificate):
        with pytest.raises(ConfigError, match="cannot be read"):
            read(b"nonsense")
