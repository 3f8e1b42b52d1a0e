"""Join tokens and papers: whole or refused, and the secret shows nowhere."""

from __future__ import annotations

import string
from typing import Any

import pytest

from contract.join import (
    MAX_ANSWER_BYTES,
    MAX_QUESTION_BYTES,
    PREFIX,
    JoinToken,
    Papers,
    Place,
    body_length,
    fingerprint,
    is_fingerprint,
    pack,
    read_token,
    secret_hash,
    unpack,
)
from contract.topics import Address
from tests.support.trust import trusted_json

GATE = Address("cancheng", "liya-garden", "gate-1")
TOKEN = JoinToken(GATE, "station.example.net", 8884, bytes(range(32)), bytes(range(100, 120)))
PAPERS = Papers(
    gate=GATE,
    certificate="-----BEGIN CERTIFICATE-----",
    authority="-----BEGIN CERTIFICATE-----",
    trusted_keys=trusted_json(),
    brokers=(Place("a.example", 8883), Place("::1", 8883)),
    enrolment=(Place("a.example", 8884),),
    areas=("west",),
)


def test_a_token_is_one_printable_word_that_reads_back() -> None:
    text = TOKEN.text()
    assert text.startswith(PREFIX)
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")
    assert read_token(text) == TOKEN
    assert read_token(f"  {text[:40]}\n{text[40:]} ") == TOKEN


def test_a_token_carries_at_least_128_random_bits_and_hides_them() -> None:
    assert len(TOKEN.secret) * 8 >= 128
    assert TOKEN.secret.hex() not in repr(TOKEN)
    assert repr(TOKEN.secret) not in repr(TOKEN)
    assert TOKEN.secret not in secret_hash(TOKEN.secret)


def test_every_typing_error_is_found() -> None:
    text = TOKEN.text()
    for at in range(len(PREFIX), len(text)):
        other = "A" if text[at] != "A" else "B"
        for wrong in (text[:at] + other + text[at + 1 :], text[:at] + text[at + 1 :]):
            with pytest.raises(ValueError, match="damaged"):
                read_token(wrong)


@pytest.mark.parametrize("text", ["", "gh1-", "gh2-abc", "gh1-äöü", "gh1-AAAA", "x" * 5000])
def test_what_is_no_token_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError) as raised:
        read_token(text)
    assert len(str(raised.value)) < 200


def test_fingerprints_are_read_as_people_copy_them() -> None:
    digest = bytes(range(32))
    shown = fingerprint(digest)
    assert shown.startswith("0001:0203:")
    for text in (shown, shown.upper(), digest.hex(), shown.replace(":", " "), f" {shown} "):
        assert is_fingerprint(text, digest)
    assert not is_fingerprint(shown[:-1], digest)
    assert not is_fingerprint("", digest)


def test_papers_read_back() -> None:
    assert Papers.from_json(PAPERS.to_json()) == PAPERS


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gate", "cancheng.liya-garden"),
        ("gate", None),
        ("certificate", ""),
        ("authority", 5),
        ("trusted_keys", []),
        ("brokers", []),
        ("brokers", [{"host": "a", "port": 0}]),
        ("brokers", [{"host": "a", "port": True}]),
        ("brokers", [{"host": "", "port": 1}]),
        ("brokers", ["a:1"]),
        ("enrolment", [{"host": "a", "port": 1}] * 9),
        ("areas", ["West"]),
        ("areas", "west"),
    ],
)
def test_unfit_papers_are_refused(key: str, value: Any) -> None:
    with pytest.raises(ValueError):
        Papers.from_json({**PAPERS.to_json(), key: value})


def test_a_message_is_its_length_and_json() -> None:
    packed = pack({"op": "authority"})
    assert body_length(packed[:4], MAX_QUESTION_BYTES) == len(packed) - 4
    assert unpack(packed[4:]) == {"op": "authority"}
    for header in (
        b"",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        (MAX_ANSWER_BYTES + 1).to_bytes(4, "big"),
    ):
        with pytest.raises(ValueError):
            body_length(header, MAX_ANSWER_BYTES)
    for body in (b"", b"[]", b'{"a":1,"a":2}', b"\xff", b'{"a":NaN}'):
        with pytest.raises(ValueError):
            unpack(body)
