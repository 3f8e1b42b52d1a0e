"""Residents, as far as every gate needs them: looked for, wiped and asked about, loaded late.

A gate without residents loads nothing of them and makes no file. Not here: what may be asked
(``agent.resident_ops``), what is kept (``agent.residents``); no part of it is given to vision, to
lists of faces, to doors or to the link.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from agent.config.schema.root import Config
from agent.core.clock import Clock
from agent.core.errors import CheckFailedError, GatehouseError
from agent.pipeline.local import Operation
from agent.stores import Stores
from agent.vault import RESIDENTS

if TYPE_CHECKING:
    from agent.resident_ops import ResidentOperations

LOOK_S = 60.0
NAMES = ("begin", "templates", "enrol", "withdraw", "list")


class ResidentSide:
    """Runs on the loop."""

    def __init__(self, config: Config, stores: Stores, clock: Clock) -> None:
        """In safe mode nothing is read."""
        self._stores = stores
        self._folder = config.node.data_dir / RESIDENTS
        self._clock = clock
        self._made: ResidentOperations | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        stores.vault.on_rotation = self._rotate_soon

    @property
    def wipes(self) -> Mapping[str, Callable[[], None]]:
        """What the station's command erases of it."""
        return {RESIDENTS: self._wipe}

    def table(self) -> Mapping[str, Operation]:
        """Operations by name."""
        return {f"resident.{name}": functools.partial(self._ask, name) for name in NAMES}

    async def keep(self) -> None:
        """Destroy whose time is over, once a minute; never ends."""
        while True:
            if self._here:
                await self._tried(self._operations().residents.expire())
            await asyncio.sleep(LOOK_S)

    @property
    def _here(self) -> bool:
        """Whether there ever was a resident, and they may be read."""
        return not self._stores.closed and (self._made is not None or self._folder.is_dir())

    async def _ask(self, name: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._stores.closed:
            raise CheckFailedError("safe mode: residents are closed")
        if not self._here and name == "withdraw":
            raise CheckFailedError("there is no resident at this gate")
        if not self._here and name == "list":
            return {"residents": [], "unreadable": 0}
        return await self._operations().do(name, request)

    def _operations(self) -> ResidentOperations:
        if self._made is None:
            from agent.resident_ops import ResidentOperations  # noqa: PLC0415 - see above

            self._made = ResidentOperations(self._stores, self._folder, self._clock)
        return self._made

    def _wipe(self) -> None:
        """Whatever mode this is: what is not open is destroyed unread."""
        if self._made is not None or self._folder.is_dir():
            operations, self._made = self._operations(), None
            operations.residents.wipe()

    def _rotate_soon(self) -> None:
        if self._here:
            task = asyncio.create_task(self._tried(self._operations().residents.rotate()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tried(self, work: Coroutine[Any, Any, object]) -> None:
        """A store that cannot be used is an issue, not the end."""
        try:
            await work
        except GatehouseError as error:
            self._stores.issue(RESIDENTS, RESIDENTS, str(error))
