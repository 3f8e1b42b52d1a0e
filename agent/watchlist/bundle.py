"""Reading a signed watchlist: who signed it, for whom, and which of its entries can be used.

Pure: bytes, keys and a time in; a ``Bundle`` or a refusal out. An entry that lacks a field is
rejected by name, the rest is applied (CONTRACT 4). Applying is ``agent.watchlist.store``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.border.inbound import read_model
from agent.core.clock import parse_utc
from agent.core.errors import RefusedError
from agent.watchlist.entry import Entry, Stored, stored
from contract.signing import TrustedKeys, content_hash, is_signed_by
from contract.topics import Address
from contract.words import MAX_VERSION, Refusal, Role, Status

MAX_FILE_BYTES = 64 * 1024 * 1024


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
    entries: tuple[Stored, ...]
    rejected: tuple[Rejected, ...]


class Head(BaseModel):
    """What every signed watchlist says of itself, sent whole or in chunks."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)
    doc: Literal["watchlist"]
    version: Annotated[int, Field(ge=1, le=MAX_VERSION)]
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
    status = head.status_on(drill=drill)
    sorter = Sorter(now_ns, status)
    sorter.add(head.entries)
    return Bundle(
        version=head.version,
        hash=content_hash(document),
        status=status,
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
    if head.issuer != keys.station:
        raise RefusedError(Refusal.UNKNOWN_ISSUER, f"issuer '{head.issuer}' is not trusted here")
    if key is None:
        detail = f"this gate has no watchlist key of '{head.issuer}'; give it trusted-keys.json"
        raise RefusedError(Refusal.BAD_SIGNATURE, detail)
    if not is_signed_by(document, key):
        detail = f"not signed by the watchlist key of '{head.issuer}'"
        raise RefusedError(Refusal.BAD_SIGNATURE, detail)
    if head.node not in ("*", address.client_id):
        raise RefusedError(Refusal.WRONG_NODE, f"meant for '{head.node}'")


class Sorter:
    """Tells entries that can be used from those that are rejected, by name."""

    def __init__(self, now_ns: int, status: Status) -> None:
        """*now_ns*: entries that ended before it are rejected; *status* is the document's."""
        self._now_ns = now_ns
        self._status = status
        self._kept: dict[str, Stored] = {}
        self._rejected: list[Rejected] = []
        self.seen = 0

    @property
    def entries(self) -> tuple[Stored, ...]:
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
                self._kept[entry.entry_id] = stored(entry, self._status)


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
