"""A task as it came from the station: read, and verified before anybody sees it.

Here: every ground for not taking one. Not here: what a gate does with a task
(``agent.incidents.tasks``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.border.inbound import read_model
from agent.border.signature import check_role
from agent.core.answers import TaskGiven
from agent.core.clock import NS_PER_S, Clock, parse_utc, stamp
from agent.core.errors import RefusedError
from contract.signing import TrustedKeys, content_hash
from contract.topics import ID_PATTERN, Address
from contract.words import Refusal, Role, Status

MAX_TASK_BYTES = 16 * 1024
SKEW_NS = 5 * NS_PER_S
LONGEST_NS = 86_400 * NS_PER_S
_Words = Annotated[str, Field(min_length=1, max_length=500)]


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    en: _Words
    zh: _Words


class TaskBody(BaseModel):
    """Fields as in ``contract/schemas/task.json``."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    task_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    issuer: Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
    node: str = ""
    role: Literal["config"] | None = None
    issued_at: str
    expires_at: str = ""
    text: _Text
    where: Annotated[str, Field(max_length=64)] = ""
    due_at: str = ""
    incident: Annotated[str, Field(max_length=64)] = ""
    status: Literal["Actual", "Exercise", "Test"] = "Actual"
    sig: str = ""


def read_task(
    payload: bytes,
    task_id: str,
    keys: TrustedKeys | None,
    address: Address,
    clock: Clock,
    *,
    drill: bool,
) -> TaskGiven:
    """The task on ``~/task/{task_id}``, verified; RefusedError says why it is not taken.

    A task of which branch and flag disagree is an actual one (CONTRACT 2). A gate that
    does not know the time takes it all the same: a lost order is worse than a late one.
    """
    body, signed = read_model(TaskBody, payload, MAX_TASK_BYTES)
    if body.task_id != task_id:
        raise RefusedError(Refusal.MALFORMED, f"task_id: is not {task_id}, whose topic this is")
    _check_signature(body, signed, keys)
    if body.node not in ("*", address.client_id):
        raise RefusedError(Refusal.WRONG_NODE, f"meant for '{body.node[:100]}'")
    now = stamp(clock)
    return TaskGiven(
        now,
        task_id,
        body.issuer,
        body.text.en,
        body.text.zh,
        body.where,
        _due_s(body, now.utc_ns, synced=now.synced),
        content_hash(signed),
        body.incident,
        exercise=drill and body.status == Status.EXERCISE.value,
    )


def _check_signature(body: TaskBody, signed: dict[str, Any], keys: TrustedKeys | None) -> None:
    known = None if keys is None or body.issuer != keys.station else keys.keys
    if known is not None and not body.sig:
        raise RefusedError(Refusal.BAD_SIGNATURE, "the task is not signed")
    check_role(signed, known, body.issuer, Role.CONFIG, "task")


def _due_s(body: TaskBody, now_ns: int, *, synced: bool) -> float | None:
    """Seconds until it is due; RefusedError when it is not meant for now."""
    try:
        issued_ns, expires_ns = parse_utc(body.issued_at), parse_utc(body.expires_at)
        due_ns = parse_utc(body.due_at) if body.due_at else None
    except ValueError as error:
        raise RefusedError(Refusal.MALFORMED, f"a time: {error}") from error
    if not 0 < expires_ns - issued_ns <= LONGEST_NS:
        raise RefusedError(Refusal.MALFORMED, "expires_at: is not within a day after issued_at")
    if synced:
        if issued_ns > now_ns + SKEW_NS:
            raise RefusedError(Refusal.NOT_YET_VALID, f"issued at {body.issued_at}")
        if expires_ns <= now_ns:
            late_s = (now_ns - expires_ns) / NS_PER_S
            raise RefusedError(Refusal.EXPIRED, f"{late_s:.1f} s too late")
    if due_ns is None:
        return None
    return max(due_ns - (now_ns if synced else issued_ns), 0) / NS_PER_S
