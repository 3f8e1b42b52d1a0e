"""Renewing a gate's certificate: the blocking steps, in files and over the network."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from agent.core.errors import CheckFailedError, ConfigError, GatehouseError, UnreachableError
from agent.files.tls import client_context
from agent.identity import enrolment, request
from agent.identity.folder import IdentityFolder
from contract.join import Place
from contract.topics import Address

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Held:
    """The certificate in use, as far as anybody has to know."""

    serial: str
    renew_at: datetime
    not_after: datetime


class Renewer:
    """One gate's. Every call blocks; errors are GatehouseErrors."""

    def __init__(
        self, authority: Path, identity: Path, gate: Address, places: Sequence[tuple[str, int]]
    ) -> None:
        """*identity* is the file with certificate and key; *places* are tried in order."""
        self._authority = authority
        self._identity = identity
        self._gate = gate
        self._folder = IdentityFolder(identity.parent, identity.name)
        self._places = [Place(host, port) for host, port in places]

    def held(self) -> Held:
        """The present certificate; ConfigError when it cannot be read."""
        return _held(request.read_certificate(self._folder.read(self._identity)))

    def confirm(self) -> bool:
        """Tell the station that the certificate is in use, where joining could not."""
        folder = self._folder
        if not folder.pending_key.exists() or not self._places:
            return True
        facts = request.read_certificate(folder.read(self._identity))
        pending = request.read_key(folder.read(folder.pending_key)).public_key()
        if request.key_digest(pending) != facts.key_digest:
            return True
        try:
            self._asked(self._identity, enrolment.confirm)
        except UnreachableError:
            return False
        folder.forget_pending()
        return True

    def renew(self) -> Held:
        """A new key, a certificate for it, the station's word that it works; then use it."""
        if not self._places:
            raise CheckFailedError(
                "the certificate has to be renewed, and link.enrolment names no place for that; "
                "join anew with a token"
            )
        held = self.held()
        if held.not_after <= datetime.now(UTC):
            raise CheckFailedError(
                f"the certificate ran out at {held.not_after:%Y-%m-%d %H:%M} UTC; join anew with a "
                "token ('gatehouse init --again'), or put the clock right"
            )
        key = request.make_key()
        asked = request.make_request(key, self._gate)
        pem = self._asked(
            self._identity, lambda place, context: enrolment.renew(place, context, asked)
        )
        authority = self._authority_text()
        facts = request.check_certificate(pem, authority, self._gate, key, datetime.now(UTC))
        self._folder.draft(request.key_pem(key), pem.encode())
        self._asked(self._folder.next, enrolment.confirm)
        self._folder.adopt_draft()
        return _held(facts)

    def go_back(self) -> Held:
        """Use the previous certificate again."""
        self._folder.go_back()
        return self.held()

    def _authority_text(self) -> str:
        try:
            return self._authority.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._authority} cannot be read: {error}") from error

    def _asked(self, identity: Path, question: Callable[[Place, ssl.SSLContext], _T]) -> _T:
        """Ask the places in order; the last failure when none answers well."""
        failure: GatehouseError = ConfigError("link.enrolment names no place")
        for place in self._places:
            try:
                context = client_context(self._authority, identity, identity)
                return question(place, context)
            except GatehouseError as error:
                failure = error
        raise failure


def _held(facts: request.Certificate) -> Held:
    return Held(facts.serial, facts.renew_at, facts.not_after)
