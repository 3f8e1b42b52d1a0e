"""A command to a gate, from what a person asks for to the signed message. Decisions, no I/O.

A command is short-lived: a door's counts for ten seconds (CONTRACT 4), any other for a minute. To a
gate whose clock is not synced it repeats the nonce of the gate's newest heartbeat.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.core.clock import NS_PER_S, format_utc
from agent.core.errors import CheckFailedError, ConfigError
from contract.topics import Address
from contract.words import MAX_MESSAGE_BYTES, CommandName, Role, Status
from station.signed import signed
from station.values import Publish

DOOR_VALID_S = 10
VALID_S = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants of a gate."""

    gate: Address
    name: CommandName
    args: Mapping[str, Any]
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """What makes a command this one: its id, its counter, when, and the gate's nonce if needed."""

    cmd_id: str
    counter: int
    issued_ns: int
    nonce: str | None = None


def make_command(wanted: Wanted, marks: Marks, key: Ed25519PrivateKey) -> Publish:
    """The signed message; CheckFailedError when it is none that the contract allows."""
    gate, name = wanted.gate, wanted.name
    valid_s = DOOR_VALID_S if name.role is Role.DOOR else VALID_S
    body: dict[str, Any] = {
        "cmd_id": marks.cmd_id,
        "name": name.value,
        "issuer": gate.station,
        "node": gate.client_id,
        "issued_at": format_utc(marks.issued_ns),
        "expires_at": format_utc(marks.issued_ns + valid_s * NS_PER_S),
        "counter": marks.counter,
        "args": dict(wanted.args),
    }
    if marks.nonce is not None:
        body["nonce"] = marks.nonce
    if wanted.exercise:
        body["status"] = Status.EXERCISE.value
    data = rfc8785.dumps(signed("cmd", body, key))
    if len(data) > MAX_MESSAGE_BYTES:
        detail = f"the command is {len(data)} bytes long, at most {MAX_MESSAGE_BYTES}"
        raise CheckFailedError(f"{detail}: give fewer or smaller photos")
    return Publish(gate.topic("cmd", name, drill=wanted.exercise), data)


@dataclass(frozen=True, slots=True)
class Task:
    """What a person wants a guard to do; ``due_s`` seconds from now, None: no end."""

    gate: Address
    en: str
    zh: str
    where: str = ""
    due_s: float | None = None
    incident: str = ""
    exercise: bool = False

    def topic(self, task_id: str, *rest: str) -> str:
        """Where it goes, and where its status comes from."""
        return self.gate.topic("task", task_id, *rest, drill=self.exercise)


def make_task(
    task: Task, task_id: str, issued_ns: int, valid_s: float, key: Ed25519PrivateKey
) -> Publish:
    """The signed message; CheckFailedError when it is none that the contract allows.

    *valid_s*: a gate that gets it later does not take it.
    """
    body: dict[str, Any] = {
        "task_id": task_id,
        "issuer": task.gate.station,
        "node": task.gate.client_id,
        "role": Role.CONFIG.value,
        "issued_at": format_utc(issued_ns),
        "expires_at": format_utc(issued_ns + round(valid_s * NS_PER_S)),
        "text": {"en": task.en, "zh": task.zh},
    }
    if task.due_s is not None:
        body["due_at"] = format_utc(issued_ns + round(task.due_s * NS_PER_S))
    if task.exercise:
        body["status"] = Status.EXERCISE.value
    body |= {k: v for k, v in {"where": task.where, "incident": task.incident}.items() if v}
    return Publish(task.topic(task_id), rfc8785.dumps(signed("task", body, key)))


def nonce_of(beat: str | None) -> str | None:
    """The nonce of a gate's heartbeat (JSON), None where its clock is synced or it said none."""
    clock = json.loads(beat).get("clock", {}) if beat else {}
    return None if clock.get("synced") else clock.get("nonce")


def args_of(pairs: Sequence[str]) -> dict[str, Any]:
    """``name=value`` as a person types it: a JSON value, or else a text. ConfigError otherwise."""
    args: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise ConfigError(f"{pair!r} is not NAME=VALUE")
        try:
            args[name] = json.loads(text)
        except ValueError:
            args[name] = text
    return args
