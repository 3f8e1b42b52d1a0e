"""Bytes from outside, made into strict models or refused with a reason.

Here: the one way to read a JSON object that somebody else wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.core.errors import RefusedError
from agent.core.text import Text
from contract.signing import strict_json
from contract.words import Refusal, Role

_M = TypeVar("_M", bound=BaseModel)
_Sentence = Annotated[str, Field(min_length=1, max_length=300)]


class BothLanguages(BaseModel):
    """A sentence as it came; a newer station may say more."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, defer_build=True)
    en: _Sentence
    zh: _Sentence

    @property
    def text(self) -> Text:
        """The same as a plain value."""
        return Text(self.en, self.zh)


class Vouch(Protocol):
    """Whoever knows the keys of issuers."""

    def __call__(self, signed: Mapping[str, Any], issuer: str, role: Role, what: str) -> None:
        """RefusedError unless *signed* is by somebody who may say it."""


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
