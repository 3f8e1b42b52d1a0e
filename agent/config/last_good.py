"""The last configuration that was valid, kept so that a bad new file does not stop a gate.

``open_config`` is what the programs call at start: the file itself when it is valid, otherwise the
copy of the last valid one, with the problems to show as an issue.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.config.load import InvalidConfigError, load, parse
from agent.config.problems import Problem
from agent.config.schema.root import Config
from agent.files.atomic import write_atomic

_NAME = ".last-good"
_STEADY = ".steady"


@dataclass(frozen=True, slots=True)
class Opened:
    """The configuration that runs; ``problems`` are those of the newer file that was refused."""

    config: Config
    problems: tuple[Problem, ...] = ()


def last_good_path(path: Path, folder: Path | None = None) -> Path:
    """Where the copy of *path* is kept: in *folder*, or beside it, as ``gate.yaml.last-good``."""
    return (folder or path.parent) / (path.name + _NAME)


def open_config(path: Path, folder: Path | None = None, *, keep: bool = True) -> Opened:
    """The configuration to run; raises InvalidConfigError when no valid one was ever seen.

    *folder* keeps the copy (a service's state folder; None: beside the file). A valid file
    is copied as the last good one, unless *keep* is false: who only asks changes nothing. A copy
    that cannot be written does not stop the start: the gate matters more, and the file is valid.
    """
    try:
        loaded = load(path)
    except InvalidConfigError as error:
        kept_path = last_good_path(path, folder)
        kept = _read_kept(kept_path)
        if kept is None:
            raise
        return Opened(kept, tuple(error.problems))
    if keep:
        _keep(last_good_path(path, folder), loaded.source)
    return Opened(loaded.config)


def keep_steady(path: Path, folder: Path | None = None) -> None:
    """The configuration that runs has proved itself: keep a copy of it for worse times."""
    try:
        _keep(_steady_path(path, folder), last_good_path(path, folder).read_bytes())
    except OSError:
        return


def open_steady(path: Path, folder: Path | None = None) -> Opened | None:
    """The configuration that last proved itself, with a problem that says so; None without one."""
    kept = _steady_path(path, folder)
    config = _read_kept(kept)
    if config is None:
        return None
    told = "the gate crashes with it; the one that ran well before is used"
    return Opened(config, (Problem(str(path), 1, 1, "(file)", told),))


def _steady_path(path: Path, folder: Path | None) -> Path:
    return (folder or path.parent) / (path.name + _STEADY)


def _read_kept(kept: Path) -> Config | None:
    try:
        return parse(kept.read_bytes(), str(kept))
    except (OSError, InvalidConfigError):
        return None


def _keep(kept: Path, source: bytes) -> None:
    try:
        if not kept.exists() or kept.read_bytes() != source:
            write_atomic(kept, source, mode=0o640)
    except OSError:
        return
