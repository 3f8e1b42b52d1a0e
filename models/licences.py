"""The licence register: what may be used and on what basis, and what is refused.

``licences.json`` ships with the program. A file of a pack counts only with an origin whose licence
stands there, or in the entries that a pack made elsewhere brings; what is refused is refused by
name and by hash, whatever a manifest says of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field, TypeAdapter

from agent.core.errors import PackError
from models.manifest import Manifest
from models.specs import STRICT, Licence, Sentence, Sha256


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry of the register that forbids use.

    ``names``: parts of file and pack names, in lower case; ``sha256``: of known files.
    """

    __pydantic_config__ = STRICT
    work: Sentence
    reason: Sentence
    names: Annotated[tuple[Sentence, ...], Field(min_length=1)]
    sha256: tuple[Sha256, ...]


@dataclass(frozen=True, slots=True)
class Register:
    """``licences.json``."""

    __pydantic_config__ = STRICT
    usable: tuple[Licence, ...]
    refused: tuple[Refusal, ...]


def shipped(name: str) -> bytes:
    """A data file of this package."""
    return files("models").joinpath(name).read_bytes()


@cache
def register() -> Register:
    """The licence register."""
    return TypeAdapter(Register).validate_json(shipped("licences.json"))


def refuse(name: str, sha256: str) -> None:
    """:class:`PackError` when a file of that name or hash may not be used."""
    low = name.lower()
    for refusal in register().refused:
        if sha256 in refusal.sha256 or any(part in low for part in refusal.names):
            raise PackError(f"{name} is refused ({refusal.work}): {refusal.reason}")


def check_licences(manifest: Manifest) -> None:
    """Every file but the golden answers has a licence that allows its use, and none is refused."""
    body = manifest.body
    usable = {one.id: one for one in (*body.licences, *register().usable)}
    weighed = [file for file in manifest.files if file.role != "golden"]
    for file, origin in zip(weighed, body.origins, strict=True):
        refuse(f"{body.name}/{file.path}", file.sha256)
        refuse(f"{origin.artefact}/{origin.member}", origin.sha256)
        licence = usable.get(origin.licence)
        if licence is None or not licence.commercial_use:
            raise PackError(
                f"{body.name}: {file.path} has no licence in the register that allows its use;"
                " a pack made elsewhere brings its own entry in body.licences"
            )
