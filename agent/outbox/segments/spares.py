"""Empty segments, held ready: room that is taken and blanked before it is needed.

Here: making, keeping and handing out. Appends leave the last ``RESERVE`` of them untouched, so that
on a full disk acknowledgements can still be recorded.
"""

from __future__ import annotations

import errno

from agent.core.errors import StoreFullError
from agent.outbox.segments.folder import File, Folder
from agent.outbox.segments.recovery import UNFINISHED, spare_name

SEGMENT_BYTES = 256 * 1024
RESERVE = 4
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Spares:
    """The spare segments of a folder, all of *size* bytes."""

    def __init__(
        self, folder: Folder, names: list[str], size: int = SEGMENT_BYTES, reserve: int = RESERVE
    ) -> None:
        """*names*: those that are there already; one of another size is deleted."""
        self._folder = folder
        self._reserve = reserve
        self.size = size
        self._names = [name for name in names if self._fitting(name)]

    def take(self, *, from_reserve: bool) -> str:
        """The name of one; it is the caller's. StoreFullError when there is none to be had."""
        keep = 0 if from_reserve else self._reserve
        while len(self._names) <= keep:
            self._make()
        return self._names.pop()

    def complete(self) -> bool:
        """Have the whole reserve and one more; False when the disk is too full for that."""
        try:
            while len(self._names) <= self._reserve:
                self._make()
        except StoreFullError:
            return False
        return True

    def adopt(self, name: str) -> bool:
        """Take a segment in which nothing lives; False when there are enough."""
        if len(self._names) > self._reserve:
            return False
        spare = self._free_name()
        self._folder.rename(name, spare)
        self._names.append(spare)
        return True

    def create(self, size: int) -> File:
        """A new file of *size* bytes under the name of unfinished ones."""
        try:
            return self._folder.create(UNFINISHED, size)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise StoreFullError(f"no room left for the outbox: {error}") from error
            raise

    def _make(self) -> None:
        file = self.create(self.size)
        try:
            file.write(0, bytes(self.size))
            file.sync()
        finally:
            file.close()
        spare = self._free_name()
        self._folder.rename(UNFINISHED, spare)
        self._names.append(spare)

    def _fitting(self, name: str) -> bool:
        file = self._folder.open(name)
        size = file.size
        file.close()
        if size != self.size:
            self._folder.remove(name)
        return size == self.size

    def _free_name(self) -> str:
        numbers = (spare_name(number) for number in range(len(self._names) + 1))
        return next(name for name in numbers if name not in self._names)
