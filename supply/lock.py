"""The locks in ``requirements/``: what is pinned, with which hashes, for which machines.

Here: reading them. Not here: making them (``make lock``), installing from them (pip).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from agent.core.errors import CheckFailedError

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_CONTINUED = "\\\n"


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock. ``hashes`` are SHA-256 in hex, one for each file that pip may take."""

    name: str
    version: str
    marker: Marker | None
    hashes: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Name and version, which is how packages are compared."""
        return self.name, self.version

    @property
    def here(self) -> bool:
        """True when this machine and interpreter are among those that it is for."""
        return self.marker is None or self.marker.evaluate()


def read_lock(path: Path) -> list[Pin]:
    """Every pin of the lock at *path*; CheckFailedError names a line that pins nothing for sure."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CheckFailedError(f"{path} cannot be read: {error.strerror}") from error
    return [_pin(path, line) for line in _lines(text)]


def _lines(text: str) -> Iterator[str]:
    for line in text.replace(_CONTINUED, " ").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


def _pin(path: Path, line: str) -> Pin:
    hashes = tuple(_HASH.findall(line))
    said = line.split("--hash", maxsplit=1)[0].strip()
    try:
        wanted = Requirement(said)
    except InvalidRequirement as error:
        raise CheckFailedError(f"{path}: {said!r} is no requirement: {error}") from error
    exact = [s.version for s in wanted.specifier if s.operator == "==" and "*" not in s.version]
    if wanted.url is not None or len(exact) != 1 or len(wanted.specifier) != 1:
        raise CheckFailedError(f"{path}: {said!r} does not name one version")
    if not hashes or len(hashes) != line.count("--hash"):
        raise CheckFailedError(f"{path}: {said!r} has no SHA-256 of what is to be installed")
    return Pin(canonicalize_name(wanted.name), exact[0], wanted.marker, hashes)
