"""The version of this installation, as packaged."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def gatehouse_version() -> str:
    """The installed distribution's version; ``0+unknown`` when run from a bare tree."""
    try:
        return version("gatehouse")
    except PackageNotFoundError:
        return "0+unknown"
