"""Reading a signed watchlist: who signed it, for whom, and which of its entries can be used.

Pure: bytes, keys and a time in; a ``Bundle`` or a refusal out. An entry that lacks a field is
rejected by name, the rest is applied (CONTRACT 4). Applying is ``agent.watchlist.store``'s.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.border.inbound import read_model
from agent.core.clock import NS_PER_S, parse_utc
from agent.core.errors import RefusedError
from contract.signing import TrustedKeys, content_hash, is_signed_by
from contract.topics import Address
from contract.words import ListName, Refusal, Role, Status

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_PHOTO_BYTES = 8 * 1024 * 1024
MAX_VALIDITY_NS = 90 * 86_400 * NS_PER_S
MAX_DIM = 4096
_Line = Annotated[str, Field(min_length=1, max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Instruction(_Strict):
    """What the guard is to do, in both languages."""

    en: _Line
    zh: _Line


class Template(_Strict):
    """A template made elsewhere, for one embedder: ``vector`` is base64 of float32, little end."""

    model_id: Annotated[str, Field(min_length=1, max_length=100)]
    vector: Annotated[str, Field(max_length=MAX_DIM * 6)]


class Entry(_Strict):
    """One person of a list, with everything CONTRACT 4 asks for."""

    entry_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    on_list: Annotated[Literal["wanted", "missing", "barred"], Field(alias="list")]
    authority: _Line
    case_reference: _Line
    legal_basis: _Line
    category: _Line
    approvers: Annotated[list[_Line], Field(min_length=2, max_length=8)]
    not_before: str
    expires_at: str
    instruction: Instruction
    photos: Annotated[list[str], Field(max_length=16)] = []
    templates: Annotated[list[Template], Field(max_length=64)] = []

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if len(set(self.approvers)) < 2:
            raise ValueError("'approvers' must be two different people")
        if not self.photos and not self.templates:
            raise ValueError("has neither 'photos' nor 'templates'")
        if not 0 < self.expires_ns - self.not_before_ns <= MAX_VALIDITY_NS:
            raise ValueError("'expires_at' must be within 90 days after 'not_before'")
        for photo in self.photos:
            _decode(photo, "photo", MAX_PHOTO_BYTES)
        for template in self.templates:
            _check_row(_decode(template.vector, "template", MAX_DIM * 4))
        return self

    @property
    def not_before_ns(self) -> int:
        """When it begins, ns since 1970."""
        return parse_utc(self.not_before)

    @property
    def expires_ns(self) -> int:
        """When it ends, ns since 1970."""
        return parse_utc(self.expires_at)

    @property
    def list_name(self) -> ListName:
        """The list it stands on."""
        return ListName(self.on_list)

    def photo_bytes(self) -> list[bytes]:
        """The photos, decoded."""
        return [base64.b64decode(photo) for photo in self.photos]


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry that is not applied, and why."""

    entry_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A document whose signature holds, with its usable entries."""

    version: int
    hash: str
    status: Status
    issuer: str
    issued_ns: int
    entries: tuple[Entry, ...]
    rejected: tuple[Rejected, ...]


class Head(BaseModel):
    """What every signed watchlist says of itself, sent whole or in chunks."""

    model_config = ConfigDict(extra="forbid", strict=True)
    doc: Literal["watchlist"]
    version: Annotated[int, Field(ge=1, lt=1 << 53)]
    status: Literal["Actual", "Exercise"]
    node: str
    issuer: str
    role: Literal["watchlist"]
    issued_at: str
    sig: str

    def status_on(self, *, drill: bool | None) -> Status:
        """Where branch and flag disagree it is Actual (CONTRACT 2); *drill* None: by hand."""
        exercise = Status(self.status) is Status.EXERCISE and drill is not False
        return Status.EXERCISE if exercise else Status.ACTUAL

    @property
    def issued_ns(self) -> int:
        """When it was signed; RefusedError when that is no time."""
        try:
            return parse_utc(self.issued_at)
        except ValueError as error:
            raise RefusedError(Refusal.MALFORMED, f"issued_at: {error}") from error


class _Whole(Head):
    entries: list[Any]
    empty: Literal[True] | None = None


def read_bundle(
    data: bytes, keys: TrustedKeys | None, address: Address, now_ns: int, *, drill: bool | None
) -> Bundle:
    """The watchlist in *data*; RefusedError when it is not ours, not signed, or not readable.

    *drill* is the branch it came by (None: by hand). Where branch and status disagree it counts as
    Actual (CONTRACT 2). *now_ns* is the best known time, for entries that are already over.
    """
    head, document = read_model(_Whole, data, MAX_FILE_BYTES)
    check_signed(head, document, keys, address)
    if not head.entries and not head.empty:
        raise RefusedError(Refusal.EMPTY, "a list that withdraws everybody says 'empty': true")
    if head.entries and head.empty:
        raise RefusedError(Refusal.MALFORMED, "'empty' is true, and there are entries")
    sorter = Sorter(now_ns)
    sorter.add(head.entries)
    return Bundle(
        version=head.version,
        hash=content_hash(document),
        status=head.status_on(drill=drill),
        issuer=head.issuer,
        issued_ns=head.issued_ns,
        entries=sorter.entries,
        rejected=sorter.rejected,
    )


def check_signed(
    head: Head, document: Mapping[str, Any], keys: TrustedKeys | None, address: Address
) -> None:
    """RefusedError unless *document* is signed by our station's watchlist key, for this gate."""
    if keys is None:
        detail = "no station key is installed at this gate (node.trusted_keys)"
        raise RefusedError(Refusal.UNKNOWN_ISSUER, detail)
    key = keys.keys.get(Role.WATCHLIST)
    if head.issuer != keys.station or key is None:
        raise RefusedError(Refusal.UNKNOWN_ISSUER, f"issuer '{head.issuer}' is not trusted here")
    if not is_signed_by(document, key):
        detail = f"not signed by the watchlist key of '{head.issuer}'"
        raise RefusedError(Refusal.BAD_SIGNATURE, detail)
    if head.node not in ("*", address.client_id):
        raise RefusedError(Refusal.WRONG_NODE, f"meant for '{head.node}'")


class Sorter:
    """Tells entries that can be used from those that are rejected, by name."""

    def __init__(self, now_ns: int) -> None:
        """*now_ns*: entries that ended before it are rejected."""
        self._now_ns = now_ns
        self._kept: dict[str, Entry] = {}
        self._rejected: list[Rejected] = []
        self.seen = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What can be used, in order."""
        return tuple(self._kept.values())

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """What cannot, and why."""
        return tuple(self._rejected)

    def add(self, values: Iterable[Any]) -> None:
        """Sort more of the list."""
        for value in values:
            self.seen += 1
            name = _name(value, self.seen)
            try:
                entry = Entry.model_validate(value)
            except ValidationError as error:
                self._rejected.append(Rejected(name, _reasons(error)))
                continue
            if entry.entry_id in self._kept:
                twice = "stands in the list twice; the first one is used"
                self._rejected.append(Rejected(name, twice))
            elif entry.expires_ns <= self._now_ns:
                self._rejected.append(Rejected(name, f"expired at {entry.expires_at}"))
            else:
                self._kept[entry.entry_id] = entry


def _name(value: Any, number: int) -> str:
    name = value.get("entry_id") if isinstance(value, dict) else None
    return name[:64] if isinstance(name, str) and name else f"#{number}"


def _reasons(error: ValidationError) -> str:
    parts = []
    for detail in error.errors(include_url=False)[:5]:
        where = ".".join(str(part) for part in detail["loc"])
        what = "is missing" if detail["type"] == "missing" else detail["msg"]
        what = what.removeprefix("Value error, ")
        parts.append(f"'{where}' {what}" if where else what)
    return "; ".join(parts)[:300]


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
