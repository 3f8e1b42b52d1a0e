"""The residents of this gate on disk: one sealed file each, under keys and seeds of their own.

File names are random and say nothing. A change is one rename, so after a kill a resident is there
as before or as after. Who is withdrawn is first renamed away, then overwritten; what a kill left of
that, or of a draft, is destroyed at the next look. Here: files. Not here: when a resident's time is
over, who may ask (``agent.residents.service``).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from agent.core.errors import SealedError, StoreError
from agent.files.atomic import erase, overwritten, sync_folder, write_atomic
from agent.files.key_file import Credentials
from agent.files.keys import Keys
from agent.files.seals import StoreSeal
from agent.files.transforms import FILE, SiteTransforms
from agent.residents.record import Resident, pack, unpack

log = logging.getLogger(__name__)

KEYS = "keys"
RECORDS, TRANSFORMS = "residents", "residents-transforms"
KEPT, GONE = ".resident", ".gone"
MOST = 5000
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What a file was that is overwritten and deleted: whose, and its SHA-256, sealed as it lay.

    ``resident_id`` is empty where the file could not be opened any more.
    """

    resident_id: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class _Held:
    """What is known of a file without opening it again."""

    path: Path
    since_ns: int
    expires_ns: int


def _locked(
    work: Callable[Concatenate[ResidentStore, _P], _T],
) -> Callable[Concatenate[ResidentStore, _P], _T]:
    """One caller at a time; what the disk refuses is a StoreError."""

    @functools.wraps(work)
    def locked(self: ResidentStore, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        with self._lock:
            try:
                return work(self, *args, **kwargs)
            except OSError as error:
                raise StoreError(f"{self._folder}: {error.strerror or error}") from error

    return locked


class ResidentStore:
    """Durable when a call returns. Safe to use from several threads."""

    def __init__(self, folder: Path, credentials: Credentials) -> None:
        """``open`` it first; then *folder* is made where it is not there."""
        self._folder = folder
        self._keys = Keys(folder / KEYS, {RECORDS, TRANSFORMS}, credentials)
        self._seal = StoreSeal(self._keys, RECORDS)
        self._held: dict[str, _Held] = {}
        self._lock = threading.RLock()
        self.unreadable = 0

    @_locked
    def open(self) -> list[Destroyed]:
        """Read what is there and finish what a kill cut short; what was destroyed by that.

        StoreError when keys or seeds cannot be used.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._keys.load()
        self.transforms = SiteTransforms(self._folder / FILE, StoreSeal(self._keys, TRANSFORMS))
        swept = [self._destroy(path) for path in sorted(self._folder.glob(f"*{GONE}"))]
        for draft in self._folder.glob(".*.tmp"):
            erase(draft)
        swept += self._read()
        if self._keys.pending:
            self._reseal()
        return swept

    @property
    def ids(self) -> tuple[str, ...]:
        """Whom the gate keeps, in order of their ids."""
        return tuple(sorted(self._held))

    @property
    def next_end_ns(self) -> int | None:
        """When the first resident's time is over; None without any."""
        return min((held.expires_ns for held in self._held.values()), default=None)

    @property
    def floor_ns(self) -> int:
        """It is not earlier than this: the latest consent that was recorded; 0 without any."""
        return max((held.since_ns for held in self._held.values()), default=0)

    @_locked
    def get(self, resident_id: str) -> Resident | None:
        """The resident of that id; StoreError when the file is damaged."""
        held = self._held.get(resident_id)
        return None if held is None else self._opened(held.path)

    def all(self) -> Iterator[Resident]:
        """Every resident that can be read, in order of their ids."""
        for resident_id in self.ids:
            with contextlib.suppress(StoreError):
                found = self.get(resident_id)
                if found is not None:
                    yield found

    @_locked
    def put(self, resident: Resident) -> bool:
        """Keep *resident*, in the place of an older record of that id; True if there was one."""
        held = self._held.get(resident.resident_id)
        if held is None and len(self._held) >= MOST:
            raise StoreError(f"there are {MOST} residents; no more fit")
        path = held.path if held else self._folder / (secrets.token_hex(8) + KEPT)
        with overwritten(path):
            write_atomic(path, self._seal.seal(pack(resident)))
        self._hold(path, resident)
        return held is not None

    @_locked
    def remove(self, resident_id: str) -> Destroyed | None:
        """Destroy what is kept of that resident; None when there is nobody of that id."""
        held = self._held.get(resident_id)
        if held is None:
            return None
        gone = held.path.with_suffix(GONE)
        held.path.replace(gone)
        del self._held[resident_id]
        sync_folder(self._folder)
        found = self._destroy(gone)
        return Destroyed(resident_id, found.sha256, found.bytes)

    def over(self, now_ns: int) -> tuple[str, ...]:
        """Whose time is over."""
        with self._lock:
            return tuple(i for i in self.ids if self._held[i].expires_ns <= now_ns)

    @_locked
    def rotate(self) -> None:
        """Seal all with a new key and destroy the one before."""
        self._keys.rotate()
        self._reseal()

    @_locked
    def destroy(self) -> int:
        """Destroy everything, keys first; how many residents went. Doing it twice does no harm."""
        self._held.clear()
        return destroy(self._folder)

    def _reseal(self) -> None:
        """StoreError, and the older keys stay, while anything cannot be read."""
        key_id = self._keys.ring().current.id
        self.transforms.reseal()
        self._keys.done(TRANSFORMS, key_id)
        for held in list(self._held.values()):
            resident = self._opened(held.path)
            with overwritten(held.path):
                write_atomic(held.path, self._seal.seal(pack(resident)))
        if not self.unreadable:
            self._keys.done(RECORDS, key_id)

    def _read(self) -> list[Destroyed]:
        """Learn who is there. Of two files of one id, which no change leaves, the older goes."""
        self.unreadable, doubled = 0, []
        for path in sorted(self._folder.glob(f"*{KEPT}")):
            try:
                resident = self._opened(path)
            except StoreError as error:
                self.unreadable += 1
                log.error("a resident cannot be read: %s", error)  # noqa: TRY400 - expected
                continue
            other = self._held.get(resident.resident_id)
            if other is not None and other.since_ns >= resident.consent.at_ns:
                doubled.append(self._destroy(path))
                continue
            if other is not None:
                doubled.append(self._destroy(other.path))
            self._hold(path, resident)
        return doubled

    def _hold(self, path: Path, resident: Resident) -> None:
        held = _Held(path, resident.consent.at_ns, resident.expires_ns)
        self._held[resident.resident_id] = held

    def _opened(self, path: Path) -> Resident:
        try:
            return unpack(self._seal.open(path.read_bytes()))
        except SealedError as error:
            raise SealedError(f"{path.name} {error}", error.key_id) from error
        except ValueError as error:
            raise StoreError(f"{path.name} {error}") from error

    def _destroy(self, path: Path) -> Destroyed:
        sealed = path.read_bytes()
        name = ""
        with contextlib.suppress(StoreError, ValueError):
            name = unpack(self._seal.open(sealed)).resident_id
        erase(path)
        return Destroyed(name, hashlib.sha256(sealed).hexdigest(), len(sealed))


def destroy(folder: Path) -> int:
    """Overwrite and delete all that lies below *folder*, keys first; how many residents it was.

    OSError when the disk refuses.
    """
    if not folder.is_dir():
        return 0
    found = [path for path in folder.rglob("*") if path.is_file()]
    for path in sorted(found, key=lambda path: path.parent.name != KEYS):
        erase(path)
    with contextlib.suppress(FileNotFoundError):
        (folder / KEYS).rmdir()
    folder.rmdir()
    sync_folder(folder.parent)
    return sum(path.suffix == KEPT for path in found)
