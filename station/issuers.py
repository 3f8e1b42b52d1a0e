"""Who else may order the gates of this station: listed in its ``trusted-keys.json``.

A gate gets that file when it joins. Here: the list read, changed and written. Not here: options and
printing (``station.issuer_cli``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.core.errors import CheckFailedError
from agent.files.atomic import write_atomic
from contract.signing import Issuer, TrustedKeys, read_trusted_keys
from contract.words import Role
from station import keys


@dataclass(frozen=True, slots=True)
class Addition:
    """A centre that may order, too: its own trusted-keys.json, its level, and what it may order."""

    file: Path
    level: str
    roles: Sequence[Role]


@dataclass(frozen=True, slots=True)
class Listing:
    """Who is listed in the file now, and whether this changed it."""

    file: Path
    issuers: Mapping[str, Issuer]
    changed: bool


def change(folder: Path, add: Addition | None, remove: str | None) -> Listing:
    """Remove one and add another, where wanted; CheckFailedError when that cannot be."""
    path = keys.open_station(folder).trusted_keys
    trusted = _read(path)
    listed = dict(trusted.issuers)
    if remove is not None and listed.pop(remove, None) is None:
        named = ", ".join(listed) or "nobody"
        raise CheckFailedError(f"{remove!r} is not listed; listed: {named}")
    if add is not None:
        name, issuer = _added(add)
        listed[name] = issuer
    changed = listed != trusted.issuers
    if changed:
        _write(path, replace(trusted, issuers=listed))
    return Listing(path, listed, changed)


def _added(wanted: Addition) -> tuple[str, Issuer]:
    """Its id and what it may order; CheckFailedError when its file lacks the key of a role."""
    other = _read(wanted.file)
    lacking = [role.value for role in wanted.roles if role not in other.keys]
    if lacking:
        raise CheckFailedError(f"{wanted.file} has no key of role {', '.join(lacking)}")
    return other.station, Issuer(wanted.level, {role: other.keys[role] for role in wanted.roles})


def _read(path: Path) -> TrustedKeys:
    try:
        return read_trusted_keys(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckFailedError(f"{path}: {error}") from error


def _write(path: Path, trusted: TrustedKeys) -> None:
    """Only what a gate can read back."""
    data = trusted.to_json()
    try:
        read_trusted_keys(data)
    except ValueError as error:
        raise CheckFailedError(str(error)) from error
    write_atomic(path, data, mode=0o644)
