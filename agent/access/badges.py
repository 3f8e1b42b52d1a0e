"""Codes and cards of the people who answer at this gate: kept as hashes, in a sealed file.

A hash is scrypt (RFC 7914) over the code with a salt of this gate, which lies in the same sealed
file: without the gate's key neither is there. One salt for all, so that one computation finds the
person; so no two people may have the same code. Here: the file. Not here: tries and blocks
(``agent.incidents.hands``).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from agent.core.errors import CheckFailedError, StoreError
from agent.core.secret import Secret
from agent.files.atomic import AtomicJSONStorage, Seal, erase, overwritten

N, R, P, MEMORY = 1 << 14, 8, 1, 64 << 20
SALT_BYTES = 32
CODE_DIGITS = range(4, 13)
CARD_LETTERS = range(4, 65)


class Proof(StrEnum):
    """What a person shows."""

    CARD = "card"
    CODE = "code"


class Badges:
    """The file of one gate. ``find`` may run beside the loop; it takes tens of milliseconds."""

    def __init__(self, path: Path, seal: Seal | None = None, *, load: bool = True) -> None:
        """StoreError when the file cannot be used; with *load* false it is empty and stays so."""
        self._storage = AtomicJSONStorage(path, seal)
        self._path = path
        self._change = threading.Lock()
        self._closed = not load
        self._salt = os.urandom(SALT_BYTES)
        self._digests: dict[str, Mapping[str, str]] = {}
        if load:
            self._load()

    def enrol(self, person: str, proof: Proof, shown: Secret) -> None:
        """From now on *shown* is *person*'s, in place of an earlier one of that proof.

        CheckFailedError when it will not do; StoreError when the disk refuses, and then nothing
        changed.
        """
        text = _cleaned(proof, shown)
        digest = self._digest(proof, text)
        with self._change:
            holder = self._holder(proof, digest)
            if holder not in (None, person):
                raise CheckFailedError("that will not do; choose another one")
            standing = {**self._digests.get(person, {}), proof.value: digest}
            self._save({**self._digests, person: standing})

    def withdraw(self, person: str) -> bool:
        """Forget what *person* has; False when that was nothing."""
        with self._change:
            if person not in self._digests:
                return False
            with overwritten(self._path):
                self._save({n: d for n, d in self._digests.items() if n != person})
            return True

    def find(self, proof: Proof, shown: Secret) -> str | None:
        """Whose it is."""
        try:
            text = _cleaned(proof, shown)
        except CheckFailedError:
            return None
        return self._holder(proof, self._digest(proof, text))

    def people(self) -> Mapping[str, tuple[str, ...]]:
        """Who has what."""
        return {person: tuple(sorted(digests)) for person, digests in self._digests.items()}

    def reseal(self) -> None:
        """Write what stands anew, with the key of now; StoreError when the disk refuses."""
        if self._path.exists() and not self._closed:
            with self._change, overwritten(self._path):
                self._save(self._digests)

    def wipe(self) -> None:
        """Delete all of it, the salt too; OSError when the disk refuses."""
        with self._change:
            erase(self._path)
            self._digests, self._salt = {}, os.urandom(SALT_BYTES)
            self._closed = False

    def _digest(self, proof: Proof, text: str) -> str:
        data = f"{proof}:{text}".encode()
        return hashlib.scrypt(data, salt=self._salt, n=N, r=R, p=P, maxmem=MEMORY).hex()

    def _holder(self, proof: Proof, digest: str) -> str | None:
        found = None
        for person, digests in self._digests.items():
            if hmac.compare_digest(digests.get(proof.value, ""), digest):
                found = person
        return found

    def _save(self, digests: Mapping[str, Mapping[str, str]]) -> None:
        if self._closed:
            raise StoreError(f"{self._path} could not be read; nothing is changed in it")
        self._storage.write({"gate": {"salt": self._salt.hex()}, "people": digests})
        self._digests = dict(digests)

    def _load(self) -> None:
        found = self._storage.read()
        if found is None:
            return
        try:
            self._salt = bytes.fromhex(found["gate"]["salt"])
            self._digests = {
                str(person): {str(proof): str(digest) for proof, digest in digests.items()}
                for person, digests in found["people"].items()
            }
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise StoreError(f"{self._path} is damaged: {error!r}") from error


def _cleaned(proof: Proof, shown: Secret) -> str:
    """As a reader types it; CheckFailedError when it is none or too easy."""
    text = shown.reveal().strip().upper()
    if proof is Proof.CARD:
        if len(text) not in CARD_LETTERS or not (text.isascii() and text.isalnum()):
            raise CheckFailedError("a card's number is 4 to 64 digits and letters")
        return text
    if len(text) not in CODE_DIGITS or not (text.isascii() and text.isdigit()):
        raise CheckFailedError("a code is 4 to 12 digits")
    if len(set(text)) == 1 or text in "01234567890" or text in "09876543210":
        raise CheckFailedError("that will not do; choose another one")
    return text
