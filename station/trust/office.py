"""Who becomes a gate of this station, and who is one no more: decisions, and their order.

Every change is made durable in the registry first and shows in the broker's files next; a crash
between the two is put right by :meth:`Office.publish` at the next start. Refusals raise
CheckFailedError with a sentence for the installer that gives nothing away.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agent.core.clock import NS_PER_S
from agent.core.errors import CheckFailedError, ConfigError
from agent.files.atomic import write_atomic
from contract.join import SECRET_BYTES, JoinToken, Papers, Place, read_gate, secret_hash
from contract.signing import strict_json
from contract.topics import Address
from station.keys import TRUSTED_KEYS
from station.trust.authority import (
    LONGEST_BACKDATE,
    LONGEST_NAME,
    Authority,
    Revoked,
    issue_client,
    key_digest,
    read_request,
    sign_list,
)
from station.trust.files import MAX_BYTES, Plan, TrustFiles, public_pem
from station.trust.mosquitto import Member, rights_text
from station.trust.registry import CertificateRow, Registry, TokenRow

RESERVED_SITES = ("area", "host")
TOKENS_KEPT_NS = 90 * 86_400 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Joined:
    """A gate got a certificate: its papers and the digest of its key."""

    papers: Papers
    key: bytes
    serial: str


class Office:
    """One station's. Used by one thread at a time; other processes may have their own."""

    def __init__(
        self,
        files: TrustFiles,
        station: str,
        plan: Plan,
        authority: Authority,
        registry: Registry,
        *,
        now_ns: Callable[[], int] = time.time_ns,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._files = files
        self._station = station
        self._plan = plan
        self._authority = authority
        self._registry = registry
        self._now_ns = now_ns
        self._random = random

    # -- tokens -----------------------------------------------------------------------------------

    def issue_token(
        self, gate: Address, areas: Iterable[str], hours: float
    ) -> tuple[JoinToken, int]:
        """A token for one gate, known to nobody but the caller; and when it ends, ns of UTC."""
        check_gate(gate)
        now_ns = self._now_ns()
        secret = self._random(SECRET_BYTES)
        token = JoinToken(
            gate, self._plan.hosts[0], self._plan.enrol_port, self._authority.pin, secret
        )
        expires_ns = now_ns + round(hours * 3600 * NS_PER_S)
        hash_, named = secret_hash(secret), tuple(areas)
        row = TokenRow(hash_, gate.client_id, named, now_ns, expires_ns, None, None, None)
        with self._registry.changing():
            self._registry.forget_tokens(now_ns - TOKENS_KEPT_NS)
            self._registry.add_token(row)
        return token, expires_ns

    def revoke_token(self, name: str) -> TokenRow:
        """Withdraw the open token of that id."""
        with self._registry.changing():
            found = [row for row in self._registry.tokens() if row.id == name.lower()]
            if not found:
                raise CheckFailedError(f"there is no token {name!r}; see 'station token --list'")
            if not self._registry.revoke_tokens(self._now_ns(), hash_=found[0].hash):
                raise CheckFailedError(f"the token {name} is not open any more")
        return found[0]

    # -- joining ----------------------------------------------------------------------------------

    def join(self, secret: bytes, request: bytes) -> Joined:
        """A certificate for who shows a good token.

        Until the gate has confirmed, the same token and the same key get in again: the answer may
        have been lost on its way. After that, and with another key always, it is spent.
        """
        hash_ = secret_hash(secret)
        with self._registry.changing():
            row = self._good_token(hash_)
            gate = read_gate(row.gate)
            public = read_request(request, gate.client_id)
            digest = key_digest(public)
            if row.key not in (None, digest):
                raise CheckFailedError("this token was used already, by another key")
            self._registry.bind_token(hash_, digest)
            joined = self._admit(gate, row.areas, public, hash_)
        self.publish()
        return joined

    def enrol(self, request: bytes, gate: Address, areas: Iterable[str]) -> Joined:
        """A certificate on an operator's word, who compared the fingerprints."""
        check_gate(gate)
        public = read_request(request, gate.client_id)
        with self._registry.changing():
            joined = self._admit(gate, tuple(areas), public, None)
        self.publish()
        return joined

    def spend(self, secret: bytes) -> None:
        """The token was used by a person who saw what for: there is no answer to lose."""
        with self._registry.changing():
            self._registry.spend_token(secret_hash(secret), self._now_ns())

    def renew(self, serial: str, request: bytes) -> tuple[Address, bytes, str]:
        """Another certificate for the bearer of a good one: its gate, PEM, and serial."""
        with self._registry.changing():
            row = self._good_certificate(serial)
            gate = read_gate(row.gate)
            public = read_request(request, gate.client_id)
            if self._registry.knows_key(key_digest(public)):
                raise CheckFailedError("a renewal needs a new key")
            certificate = self._issue(gate, public, None)
        return gate, public_pem(certificate), _serial_text(certificate.serial_number)

    def confirm(self, serial: str) -> Address:
        """The bearer uses this certificate; after joining, its earlier ones are worth nothing."""
        now_ns = self._now_ns()
        with self._registry.changing():
            row = self._good_certificate(serial)
            self._registry.confirm(serial, now_ns)
            replaced = 0
            if row.token is not None and row.confirmed_ns is None:
                self._registry.spend_token(row.token, now_ns)
                replaced = self._registry.revoke_certificates(row.gate, now_ns, but=serial)
        if replaced:
            self.publish()
        return read_gate(row.gate)

    # -- leaving ----------------------------------------------------------------------------------

    def revoke(self, gate: Address) -> int:
        """The gate is out: certificates, tokens, rights. How many certificates were good."""
        now_ns = self._now_ns()
        with self._registry.changing():
            if self._registry.gate(gate.client_id) is None:
                raise CheckFailedError(f"{gate.client_id} never joined; see 'station gates'")
            count = self._registry.revoke_certificates(gate.client_id, now_ns)
            self._registry.revoke_tokens(now_ns, gate=gate.client_id)
            self._registry.revoke_gate(gate.client_id, now_ns)
        self.publish()
        return count

    def move(self, gate: Address, areas: Iterable[str], calls: Iterable[str] = ()) -> None:
        """The gate belongs to these areas from now on, and is agreed to call *calls*."""
        with self._registry.changing():
            row = self._registry.gate(gate.client_id)
            if row is None or row.revoked_ns is not None:
                raise CheckFailedError(f"{gate.client_id} has not joined; see 'station gates'")
            self._registry.admit(gate.client_id, tuple(areas), self._now_ns())
            self._registry.agree(gate.client_id, tuple(calls))
        self.publish()

    def publish(self) -> None:
        """Write the broker's access list and revocation list from the registry."""
        with self._registry.changing():
            members = [
                Member(read_gate(row.gate), row.areas, row.calls)
                for row in self._registry.gates()
                if row.revoked_ns is None
            ]
            text = rights_text(self._station, members).encode()
            write_atomic(self._files.rights, text, mode=0o600)
            write_atomic(self._files.revoked, self._list(), mode=0o644)

    # -- within -----------------------------------------------------------------------------------

    def _list(self) -> bytes:
        now_ns = self._now_ns()
        revoked = [
            Revoked(int(row.serial, 16), _moment((row.revoked_ns or 0) // NS_PER_S))
            for row in self._registry.revoked(now_ns)
        ]
        earliest_s = now_ns // NS_PER_S - round(LONGEST_BACKDATE.total_seconds())
        number, issued_s = self._registry.next_list(earliest_s)
        return sign_list(self._authority, revoked, number, _moment(issued_s))

    def _good_token(self, hash_: bytes) -> TokenRow:
        row = self._registry.token(hash_)
        if row is None:
            raise CheckFailedError("this station did not issue that token")
        if row.revoked_ns is not None:
            raise CheckFailedError("this token was withdrawn")
        if row.spent_ns is not None:
            raise CheckFailedError("this token was used already")
        if self._now_ns() >= row.expires_ns:
            raise CheckFailedError("this token is too old; ask the station for a new one")
        return row

    def _good_certificate(self, serial: str) -> CertificateRow:
        row = self._registry.certificate(serial)
        if row is None:
            raise CheckFailedError("this certificate is not a gate's")
        gate = self._registry.gate(row.gate)
        if row.revoked_ns is not None or gate is None or gate.revoked_ns is not None:
            raise CheckFailedError("this gate was revoked")
        return row

    def _admit(
        self,
        gate: Address,
        areas: tuple[str, ...],
        public: ec.EllipticCurvePublicKey,
        token: bytes | None,
    ) -> Joined:
        certificate = self._issue(gate, public, token)
        self._registry.admit(gate.client_id, areas, self._now_ns())
        papers = Papers(
            gate=gate,
            certificate=public_pem(certificate).decode(),
            authority=public_pem(self._authority.certificate).decode(),
            trusted_keys=self._trusted_keys(),
            brokers=tuple(Place(host, self._plan.port) for host in self._plan.hosts),
            enrolment=tuple(Place(host, self._plan.enrol_port) for host in self._plan.hosts),
            areas=areas,
        )
        return Joined(papers, key_digest(public), _serial_text(certificate.serial_number))

    def _issue(
        self, gate: Address, public: ec.EllipticCurvePublicKey, token: bytes | None
    ) -> x509.Certificate:
        now = datetime.fromtimestamp(self._now_ns() / NS_PER_S, UTC)
        life = timedelta(seconds=self._plan.gate_life_s)
        made = issue_client(self._authority, public, gate.client_id, now, life)
        first, last = made.not_valid_before_utc, made.not_valid_after_utc
        self._registry.add_certificate(
            CertificateRow(
                serial=_serial_text(made.serial_number),
                gate=gate.client_id,
                key=key_digest(public),
                token=token,
                not_before_ns=round(first.timestamp()) * NS_PER_S,
                not_after_ns=round(last.timestamp()) * NS_PER_S,
                confirmed_ns=None,
                revoked_ns=None,
            )
        )
        return made

    def _trusted_keys(self) -> dict[str, object]:
        path = self._files.folder / TRUSTED_KEYS
        try:
            return strict_json(path.read_bytes(), MAX_BYTES)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error


def check_gate(gate: Address) -> None:
    """CheckFailedError for a gate that could not have a certificate or topics of its own."""
    if gate.site in RESERVED_SITES:
        raise CheckFailedError(f"a site cannot be called {gate.site!r}: topics of that name differ")
    if len(gate.client_id) > LONGEST_NAME:
        raise CheckFailedError(
            f"{gate.client_id} has {len(gate.client_id)} characters; "
            f"a certificate's name holds {LONGEST_NAME}: use shorter ids"
        )


def _serial_text(serial: int) -> str:
    return f"{serial:x}"


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
