"""What an entry of a record of events must look like, for whoever reads one that was copied.

Here: the form. Not here: how entries are made (``agent.incidents.record``).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from agent.core.errors import CheckFailedError

Entry = dict[str, Any]
_Ns = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class _Did(TypedDict, total=False):
    rule: str
    way: str
    do: list[Annotated[list[str], Field(min_length=2)]]
    why: list[dict[str, Any]]
    failed: str
    off: bool


class _Sent(TypedDict, total=False):
    key: str
    rule: str
    msg: str
    kind: str
    severity: str
    device: str
    status: str
    alert: str
    incident: str
    fact: str
    mono: _Ns
    held_back: bool


_Entry = TypedDict(
    "_Entry",
    {
        "n": int,
        "event": str,
        "at": tuple[_Ns, _Ns, bool],
        "heard": _Ns,
        "boot": str,
        "is": dict[str, Any],
        "did": list[_Did],
        "sent": list[_Sent],
        "lists": dict[str, str | None],
        "profile": str,
    },
    total=False,
)
_FORM = TypeAdapter(_Entry)
_NEEDED = frozenset({"n", "event", "at", "heard", "boot"})


def checked(entry: Entry, where: str) -> Entry:
    """*entry* in its form; CheckFailedError when it has none, naming *where* it stands."""
    try:
        found = dict(_FORM.validate_python(entry))
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        at = ".".join(map(str, detail["loc"]))
        raise CheckFailedError(f"{where}: entry {entry.get('n')}: {at}: {detail['msg']}") from error
    missing = _NEEDED - found.keys()
    if missing:
        raise CheckFailedError(f"{where}: entry {entry.get('n')}: {min(missing)} is missing")
    return found
