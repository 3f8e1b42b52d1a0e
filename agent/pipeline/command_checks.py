"""Which commands are to be obeyed: every ground for refusal, in its order (CONTRACT 4).

Decides on bytes, keys and times; stores nothing and does nothing. The counter is checked here too,
but it counts only once ``agent.pipeline.commands`` has stored it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.border.inbound import read_model
from agent.border.signature import check_role
from agent.core.clock import NS_PER_S, Clock, parse_utc
from agent.core.commands import Command
from agent.core.errors import RefusedError
from agent.pipeline.command_journal import CommandJournal
from agent.pipeline.nonces import Nonces
from contract.signing import TrustedKeys
from contract.topics import Address
from contract.words import MAX_MESSAGE_BYTES, CommandName, Refusal, Role

SKEW_NS = 5 * NS_PER_S
DOOR_VALID_NS = 10 * NS_PER_S


class Asked(BaseModel):
    """A command as it came: well-formed, and nothing else is known of it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    cmd_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]
    name: str
    issuer: str
    node: str
    issued_at: str
    expires_at: str
    counter: Annotated[int, Field(ge=1, lt=1 << 53)]
    args: dict[str, Any]
    nonce: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    status: Literal["Exercise"] | None = None
    sig: str


def read_asked(payload: bytes) -> tuple[Asked, Mapping[str, Any]]:
    """A command and the object that its signature is over; RefusedError when it is none."""
    return read_model(Asked, payload, MAX_MESSAGE_BYTES)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose commands, for whom: the station's public keys and the gate's own address."""

    keys: TrustedKeys | None
    address: Address


class Checks:
    """Says of one command after the other whether it is to be obeyed."""

    def __init__(self, trust: Trust, clock: Clock, nonces: Nonces, journal: CommandJournal) -> None:
        self._trust = trust
        self._clock = clock
        self._nonces = nonces
        self._journal = journal

    @property
    def station(self) -> str:
        """Whose commands are obeyed; empty when nobody's are."""
        return "" if self._trust.keys is None else self._trust.keys.station

    def level_of(self, issuer: str) -> str:
        """The level of an issuer; empty for one that is not listed."""
        return "" if self._trust.keys is None else self._trust.keys.level_of(issuer)

    def genuine(self, asked: Asked, signed: Mapping[str, Any], topic_name: str) -> CommandName:
        """Its name, when it is for this gate, by somebody who may, and new; else RefusedError."""
        if asked.name != topic_name or asked.name not in set(CommandName):
            raise RefusedError(Refusal.UNKNOWN_COMMAND, f"'{asked.name[:32]}' on '{topic_name}'")
        name = CommandName(asked.name)
        if asked.node != self._trust.address.client_id:
            raise RefusedError(Refusal.WRONG_NODE, f"meant for '{asked.node[:100]}'")
        self.vouch(signed, asked.issuer, name.role, name)
        if self._journal.knows(asked.cmd_id):
            raise RefusedError(Refusal.REPEATED, "this command was handled before")
        return name

    def timely(self, asked: Asked, name: CommandName) -> None:
        """RefusedError unless it is meant for now: by the clock, or by a nonce without one."""
        try:
            issued_ns, expires_ns = parse_utc(asked.issued_at), parse_utc(asked.expires_at)
        except ValueError as error:
            raise RefusedError(Refusal.MALFORMED, str(error)) from error
        if not self._clock.synced():
            self._check_nonce(asked.nonce)
            return
        if name.role is Role.DOOR:
            expires_ns = min(expires_ns, issued_ns + DOOR_VALID_NS)
        now_ns = self._clock.utc_ns()
        if issued_ns > now_ns + SKEW_NS:
            raise RefusedError(Refusal.NOT_YET_VALID, f"issued at {asked.issued_at}")
        if expires_ns <= now_ns:
            late_s = (now_ns - expires_ns) / NS_PER_S
            raise RefusedError(Refusal.EXPIRED, f"{late_s:.1f} s too late")

    def next_counter(self, asked: Asked) -> None:
        """RefusedError unless its counter is above the last stored one of its issuer."""
        if self._journal.damaged:
            raise RefusedError(Refusal.NOT_STORED, f"{self._journal.path} is damaged")
        last = self._journal.last_counter(asked.issuer)
        if asked.counter <= last:
            raise RefusedError(Refusal.COUNTER, f"{asked.counter} is not above {last}")

    def late_ms(self, asked: Asked) -> int | None:
        """How long after its issue it is done; None when our clock cannot tell."""
        if not self._clock.synced():
            return None
        return (self._clock.utc_ns() - parse_utc(asked.issued_at)) // 1_000_000

    def vouch(self, signed: Mapping[str, Any], issuer: str, role: Role, what: str) -> None:
        """RefusedError unless *signed*, which is *what*, bears the signature of that role's key."""
        keys = self._trust.keys
        check_role(signed, None if keys is None else keys.of(issuer), issuer, role, what)

    def _check_nonce(self, nonce: str | None) -> None:
        if nonce is None:
            detail = "this gate does not know the time, and there is no nonce"
            raise RefusedError(Refusal.CLOCK_UNSYNCED, detail)
        if not self._nonces.use(nonce):
            detail = "this gate does not know the time, and the nonce is not a fresh one of it"
            raise RefusedError(Refusal.CLOCK_UNSYNCED, detail)


def as_command(asked: Asked, name: CommandName, *, drill: bool) -> Command:
    """The checked command; either the branch or the signed flag makes it an exercise."""
    exercise = drill or asked.status is not None
    return Command(asked.cmd_id, name, asked.issuer, asked.args, exercise)
