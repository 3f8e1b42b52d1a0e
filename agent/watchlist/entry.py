"""One entry of a watchlist: as a station writes it, and as the gate keeps it.

Here: the strict model of what comes from outside, and the slim value that it becomes at once; ten
thousand of the former would not fit into the agent's memory beside everything else.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.core.clock import NS_PER_S, parse_utc
from contract.words import ListName, Status

MAX_PHOTO_BYTES = 8 * 1024 * 1024
MAX_VALIDITY_NS = 90 * 86_400 * NS_PER_S
MAX_SEARCH_NS = 72 * 3600 * NS_PER_S
MAX_DIM = 1024
FACTS = ("authority", "case_reference", "legal_basis", "category")
LANGUAGES = ("en", "zh")
_Line = Annotated[str, Field(min_length=1, max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Instruction(_Strict):
    """What the guard is to do, in both languages."""

    en: _Line
    zh: _Line


class Template(_Strict):
    """A template made elsewhere, for one embedder: ``vector`` is base64 of float32, little end."""

    model_id: Annotated[str, Field(pattern=r"^[^~]{1,100}$")]
    vector: Annotated[str, Field(max_length=MAX_DIM * 6)]


class Person(_Strict):
    """Somebody whom cameras may look for: until when, what to do, and what the face is like."""

    LONGEST_NS: ClassVar[int]

    entry_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    not_before: str
    expires_at: str
    instruction: Instruction
    photos: Annotated[list[str], Field(max_length=16)] = []
    templates: Annotated[list[Template], Field(max_length=64)] = []

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        _check_face(self.photos, self.templates)
        if not 0 < self.expires_ns - self.not_before_ns <= self.LONGEST_NS:
            longest = _in_words(self.LONGEST_NS)
            raise ValueError(f"'expires_at' must be within {longest} after 'not_before'")
        return self

    @property
    def not_before_ns(self) -> int:
        """When it begins, ns since 1970."""
        return parse_utc(self.not_before)

    @property
    def expires_ns(self) -> int:
        """When it ends, ns since 1970."""
        return parse_utc(self.expires_at)

    def photo_bytes(self) -> list[bytes]:
        """The photos, decoded."""
        return [base64.b64decode(photo) for photo in self.photos]


class LookAlike(_Strict):
    """Somebody else, who was taken for the person of the entry and must not be again.

    ``legal_basis`` is that of keeping this face, their own consent for instance; it has nothing to
    do with the entry's. It goes when the entry goes.
    """

    legal_basis: _Line
    photos: Annotated[list[str], Field(max_length=4)] = []
    templates: Annotated[list[Template], Field(max_length=16)] = []

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        _check_face(self.photos, self.templates)
        return self


class Entry(Person):
    """One person of a list, with everything CONTRACT 4 asks for."""

    LONGEST_NS: ClassVar[int] = MAX_VALIDITY_NS

    on_list: Annotated[Literal["wanted", "missing", "barred"], Field(alias="list")]
    authority: _Line
    case_reference: _Line
    legal_basis: _Line
    category: _Line
    approvers: Annotated[list[_Line], Field(min_length=2, max_length=8)]
    not_this_person: Annotated[list[LookAlike], Field(max_length=8)] = []

    @model_validator(mode="after")
    def _is_approved(self) -> Self:
        if len(set(self.approvers)) < 2:
            raise ValueError("'approvers' must be two different people")
        return self

    @property
    def facts(self) -> Mapping[str, str]:
        """Why the person is sought."""
        return {name: getattr(self, name) for name in FACTS}


class MissingEntry(Person):
    """Somebody who is missed: sought with the family's consent, or by an authority's order."""

    LONGEST_NS: ClassVar[int] = MAX_SEARCH_NS

    on_list: Annotated[Literal["missing"], Field(alias="list")]
    consent: _Line | None = None
    authority: _Line | None = None
    case_reference: _Line | None = None

    @model_validator(mode="after")
    def _is_founded(self) -> Self:
        if self.consent is None and (self.authority is None or self.case_reference is None):
            raise ValueError("needs 'consent', or 'authority' and 'case_reference'")
        return self

    @property
    def facts(self) -> Mapping[str, str]:
        """On what the search rests."""
        by_consent = self.consent is not None
        return {
            "authority": self.authority or "",
            "case_reference": self.case_reference or self.consent or "",
            "legal_basis": "consent" if by_consent else "order of the authority",
            "category": "missing person",
        }


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry at the gate.

    ``facts`` are authority, case reference, legal basis and category; ``templates`` float32 rows
    by model id; ``photos`` those that are no templates yet. ``look_alikes`` and
    ``look_alike_photos`` are of people who are known not to be this person.
    """

    entry_id: str
    status: Status
    listed: ListName
    facts: Mapping[str, str]
    instruction: Mapping[str, str]
    not_before_ns: int
    expires_ns: int
    templates: Mapping[str, Sequence[bytes]]
    photos: Sequence[bytes]
    look_alikes: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    look_alike_photos: Sequence[bytes] = field(default_factory=list)

    @property
    def exercise(self) -> bool:
        """True for an entry of a drill."""
        return self.status is Status.EXERCISE

    @property
    def names(self) -> frozenset[str]:
        """Under which names its templates are kept."""
        return frozenset({*self.templates, *self.look_alikes})

    def active(self, now_ns: int) -> bool:
        """True within its time."""
        return self.not_before_ns <= now_ns < self.expires_ns

    def unmade(self, model_id: str) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Photos, and look-alikes' photos, that have to become templates of this model."""
        own = self.photos if model_id not in self.templates else ()
        others = self.look_alike_photos if model_id not in self.look_alikes else ()
        return own, others

    def embedded(self, model_id: str, own: Sequence[bytes], near: Sequence[bytes]) -> Stored:
        """With templates where there were photos."""
        photos, near_photos = self.unmade(model_id)
        done = self
        if photos:
            templates = {**done.templates, model_id: list(own)}
            done = replace(done, templates=templates, photos=[])
        if near_photos:
            look_alikes = {**done.look_alikes, model_id: list(near)}
            done = replace(done, look_alikes=look_alikes, look_alike_photos=[])
        return done


def stored(entry: Entry | MissingEntry, status: Status) -> Stored:
    """An entry as it is kept."""
    others = entry.not_this_person if isinstance(entry, Entry) else []
    return Stored(
        entry_id=entry.entry_id,
        status=status,
        listed=ListName(entry.on_list),
        facts={name: sys.intern(fact) for name, fact in entry.facts.items()},
        instruction={name: sys.intern(getattr(entry.instruction, name)) for name in LANGUAGES},
        not_before_ns=entry.not_before_ns,
        expires_ns=entry.expires_ns,
        templates=_rows(entry.templates),
        photos=entry.photo_bytes(),
        look_alikes=_rows([template for other in others for template in other.templates]),
        look_alike_photos=[base64.b64decode(p) for other in others for p in other.photos],
    )


def _rows(templates: Sequence[Template]) -> dict[str, list[bytes]]:
    """Float32 rows by model."""
    rows: dict[str, list[bytes]] = {}
    for template in templates:
        rows.setdefault(template.model_id, []).append(base64.b64decode(template.vector))
    return rows


def _in_words(span_ns: int) -> str:
    hours = span_ns // (3600 * NS_PER_S)
    return f"{hours // 24} days" if hours > 72 else f"{hours} h"


def _check_face(photos: Sequence[str], templates: Sequence[Template]) -> None:
    if not photos and not templates:
        raise ValueError("has neither 'photos' nor 'templates'")
    for photo in photos:
        _decode(photo, "photo", MAX_PHOTO_BYTES)
    for template in templates:
        _check_row(_decode(template.vector, "template", MAX_DIM * 4))


def _check_row(row: bytes) -> None:
    if len(row) % 4 or not all(math.isfinite(value) for (value,) in struct.iter_unpack("<f", row)):
        raise ValueError("a template is not a row of float32 numbers")


def _decode(text: str, what: str, limit: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"a {what} is not base64") from error
    if not 0 < len(data) <= limit:
        raise ValueError(f"a {what} has {len(data)} bytes (at most {limit})")
    return data
