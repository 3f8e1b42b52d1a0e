"""Bytes from outside, made into strict models or refused with a reason.

Here: the one way to read a JSON object that somebody else wrote.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agent.core.errors import RefusedError
from contract.signing import strict_json
from contract.words import Refusal

_M = TypeVar("_M", bound=BaseModel)


def read_model(model: type[_M], payload: bytes, limit: int) -> tuple[_M, dict[str, Any]]:
    """*payload* as *model* and as the plain object; RefusedError names the first fault.

    *limit* is the largest accepted size in bytes.
    """
    if len(payload) > limit:
        raise RefusedError(Refusal.TOO_LARGE, f"{len(payload)} bytes, at most {limit}")
    try:
        value = strict_json(payload, limit)
        return model.model_validate(value), value
    except ValidationError as error:
        raise RefusedError(Refusal.MALFORMED, first_fault(error)) from error
    except (ValueError, RecursionError) as error:
        raise RefusedError(Refusal.MALFORMED, f"the message {error}") from error


def first_fault(error: ValidationError) -> str:
    """The first finding of pydantic in one line."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"[:300]
