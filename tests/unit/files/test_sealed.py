"""Sealed bytes: open with the right key, for the right purpose, at the right place, unaltered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.errors import SealedError
from agent.files.sealed import OVERHEAD, DataKey, KeyRing, Sealer, key_of

ONE, TWO = DataKey(bytes(32)), DataKey(bytes(range(32)))


def sealer(*keys: DataKey, purpose: str = "watchlist") -> Sealer:
    """The last key seals."""
    ring = KeyRing(keys[-1], {key.id: key for key in keys})
    return Sealer(lambda: ring, purpose)


@given(st.binary(max_size=2000), st.binary(max_size=100))
def test_what_is_sealed_opens_again(data: bytes, about: bytes) -> None:
    sealed = sealer(ONE).seal(data, about)
    assert len(sealed) == len(data) + OVERHEAD
    assert sealer(ONE).open(sealed, about) == data
    assert key_of(sealed) == ONE.id


def test_the_same_is_never_sealed_twice_alike() -> None:
    assert len({sealer(ONE).seal(b"x", b"") for _ in range(100)}) == 100


def test_an_older_key_opens_and_does_not_seal() -> None:
    old = sealer(ONE).seal(b"x", b"")
    both = sealer(ONE, TWO)
    assert both.open(old, b"") == b"x"
    assert (both.is_current(old), both.is_current(both.seal(b"x", b""))) == (False, True)
    assert both.current_id == TWO.id
    assert set(both.known_ids) == {ONE.id, TWO.id}


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SealedError, match=f"key {ONE.id}, which is not here") as caught:
        sealer(TWO).open(sealer(ONE).seal(b"x", b""), b"")
    assert caught.value.key_id == ONE.id


def test_another_place_and_another_purpose_do_not_open() -> None:
    sealed = sealer(ONE).seal(b"x", b"here")
    for purpose, about in (("watchlist", b"there"), ("residents", b"here")):
        with pytest.raises(SealedError) as caught:
            sealer(ONE, purpose=purpose).open(sealed, about)
        assert caught.value.key_id == ""


@given(st.data())
def test_no_altered_byte_opens(data: st.DataObject) -> None:
    sealed = bytearray(sealer(ONE).seal(b"a template", b"about"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealedError):
        sealer(ONE).open(bytes(sealed), b"about")


@given(st.binary(max_size=200))
def test_other_bytes_never_open(data: bytes) -> None:
    with pytest.raises(SealedError):
        sealer(ONE).open(data, b"")


def test_purposes_have_keys_of_their_own() -> None:
    assert ONE.subkey("watchlist") != ONE.subkey("residents")
    assert ONE.subkey("watchlist") != TWO.subkey("watchlist")


def test_a_key_shows_no_secret() -> None:
    assert repr(TWO) == f"DataKey({TWO.id})"
    assert TWO.secret.hex()[:8] not in repr(KeyRing(TWO, {TWO.id: TWO})) + TWO.id
