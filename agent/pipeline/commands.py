"""Signed commands: which are obeyed, which are refused, and why (CONTRACT 4).

Here: the checks, in their order, and the durable memory of counters. Not here: what a command
does (the composition root gives the operations), nor the topic it came by.

A counter is stored durably before anything is done; a command id is obeyed once.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from agent.border.inbound import read_model
from agent.core.alerts import drill_mark
from agent.core.audit import NO_AUDIT, AuditKind, Auditor, What
from agent.core.clock import NS_PER_S, Clock, parse_utc
from agent.core.errors import RefusedError
from agent.files.atomic import write_atomic
from contract.signing import TrustedKeys, is_signed_by
from contract.topics import Address
from contract.words import MAX_MESSAGE_BYTES, CommandName, Outcome, Refusal

log = logging.getLogger(__name__)

REMEMBERED_IDS = 1000
SKEW_NS = 5 * NS_PER_S


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    cmd_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]
    name: str
    issuer: str
    node: str
    issued_at: str
    expires_at: str
    counter: Annotated[int, Field(ge=1, lt=1 << 53)]
    args: dict[str, Any]
    sig: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command; the body of ``~/result``."""

    cmd_id: str
    outcome: Outcome
    reason: str = ""
    proof: Mapping[str, object] | None = None
    late_ms: int | None = None

    def body(self, *, drill: bool) -> bytes:
        """UTF-8 JSON; *drill* is the branch that it goes out on."""
        value = {
            "cmd_id": self.cmd_id,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "proof": None if self.proof is None else dict(self.proof),
            "late_ms": self.late_ms,
            **drill_mark(drill=drill),
        }
        return json.dumps(value, ensure_ascii=False).encode()


Does = Callable[[Mapping[str, Any]], Mapping[str, object]]


class CommandGate:
    """Checks each command and has it done at most once."""

    def __init__(
        self,
        keys: TrustedKeys | None,
        address: Address,
        clock: Clock,
        counters: Path,
        operations: Mapping[CommandName, Does],
        audit: Auditor = NO_AUDIT,
    ) -> None:
        """*counters* is the file that remembers the last counter of each issuer."""
        self._keys = keys
        self._address = address
        self._clock = clock
        self._path = counters
        self._operations = operations
        self._audit = audit
        self._done_ids: OrderedDict[str, None] = OrderedDict()
        self._counters: dict[str, int] | None = _read_counters(counters)
        self.refused = 0

    @property
    def damaged(self) -> bool:
        """True when the memory of counters cannot be used: then every command is refused."""
        return self._counters is None

    def handle(self, topic_name: str, payload: bytes, *, retained: bool) -> Result:
        """Check and do what arrived on ``~/cmd/{topic_name}``; all of it is noted for the audit."""
        result = self._handle(topic_name, payload, retained=retained)
        refused = result.outcome is Outcome.REFUSED
        who = "unverified" if refused or self._keys is None else self._keys.station
        what: What = {
            "command": topic_name[:64],
            "cmd_id": result.cmd_id,
            "outcome": result.outcome.value,
            "reason": result.reason,
        }
        self._audit.note(AuditKind.REFUSAL if refused else AuditKind.COMMAND, who, what)
        return result

    def _handle(self, topic_name: str, payload: bytes, *, retained: bool) -> Result:
        cmd_id = "unknown"
        try:
            if retained:
                raise RefusedError(Refusal.RETAINED, "never taken from the broker's shelf")
            command, _ = read_model(_Command, payload, MAX_MESSAGE_BYTES)
            cmd_id = command.cmd_id
            operation = self._check(command, topic_name)
        except RefusedError as error:
            self.refused += 1
            log.warning("command %s refused: %s", topic_name[:32], error)
            return Result(cmd_id, Outcome.REFUSED, str(error)[:300])
        late_ms = (self._clock.utc_ns() - parse_utc(command.issued_at)) // 1_000_000
        try:
            proof = operation(command.args)
        except Exception as error:
            log.exception("command %s failed", command.name)
            return Result(cmd_id, Outcome.FAILED, str(error)[:300], None, late_ms)
        return Result(cmd_id, Outcome.DONE, "", proof, late_ms)

    def _check(self, command: _Command, topic_name: str) -> Does:
        if command.name != topic_name or command.name not in set(CommandName):
            raise RefusedError(Refusal.UNKNOWN_COMMAND, f"'{command.name[:32]}' on '{topic_name}'")
        name = CommandName(command.name)
        if command.node != self._address.client_id:
            raise RefusedError(Refusal.WRONG_NODE, f"meant for '{command.node[:100]}'")
        self._check_signature(command, name)
        self._check_time(command)
        operation = self._operations.get(name)
        if operation is None:
            raise RefusedError(Refusal.UNSUPPORTED, f"this gate does not do '{name}'")
        self._take_counter(command)
        return operation

    def _check_signature(self, command: _Command, name: CommandName) -> None:
        keys = self._keys
        if keys is None or command.issuer != keys.station:
            raise RefusedError(Refusal.UNKNOWN_ISSUER, f"'{command.issuer[:32]}'")
        document = command.model_dump()
        key = keys.keys.get(name.role)
        if key is not None and is_signed_by(document, key):
            return
        if any(is_signed_by(document, other) for other in keys.keys.values()):
            raise RefusedError(Refusal.WRONG_ROLE, f"'{name}' needs the key of role '{name.role}'")
        raise RefusedError(Refusal.BAD_SIGNATURE)

    def _check_time(self, command: _Command) -> None:
        if not self._clock.synced():
            raise RefusedError(Refusal.CLOCK_UNSYNCED, "this gate does not know the time")
        try:
            issued_ns, expires_ns = parse_utc(command.issued_at), parse_utc(command.expires_at)
        except ValueError as error:
            raise RefusedError(Refusal.MALFORMED, str(error)) from error
        now_ns = self._clock.utc_ns()
        if issued_ns > now_ns + SKEW_NS:
            raise RefusedError(Refusal.NOT_YET_VALID, f"issued at {command.issued_at}")
        if expires_ns <= now_ns:
            raise RefusedError(Refusal.EXPIRED, f"at {command.expires_at}")

    def _take_counter(self, command: _Command) -> None:
        if command.cmd_id in self._done_ids:
            raise RefusedError(Refusal.REPEATED, "this command was handled before")
        if self._counters is None:
            raise RefusedError(Refusal.NOT_STORED, f"{self._path} is damaged")
        last = self._counters.get(command.issuer, 0)
        if command.counter <= last:
            raise RefusedError(Refusal.COUNTER, f"{command.counter} is not above {last}")
        counters = {**self._counters, command.issuer: command.counter}
        try:
            write_atomic(self._path, json.dumps(counters).encode())
        except OSError as error:
            raise RefusedError(Refusal.NOT_STORED, f"the counter: {error}") from error
        self._counters = counters
        self._done_ids[command.cmd_id] = None
        if len(self._done_ids) > REMEMBERED_IDS:
            self._done_ids.popitem(last=False)


def _read_counters(path: Path) -> dict[str, int] | None:
    try:
        value = json.loads(path.read_bytes())
        return {str(issuer): int(counter) for issuer, counter in value.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError):
        log.exception("%s is damaged; no command will be obeyed until it is put right", path)
        return None
