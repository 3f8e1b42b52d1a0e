"""Keys that are on no disk, and stores sealed with them."""

from __future__ import annotations

from pathlib import Path

from agent.core.ports import OutboxStore
from agent.files.key_file import Credentials, HeldKey
from agent.files.keys import Keys
from agent.files.sealed import DataKey
from agent.files.seals import StoreSeal
from agent.outbox.sealed_store import SealedStore

KEY = DataKey(bytes(range(32)))
OTHER_KEY = DataKey(bytes(32))
NOWHERE = Path("/dev/null/keys")
OUTBOX = "outbox"


class FixedKeys(Keys):
    """Keys in memory: the last one seals; ``finished`` tells what is said to be done."""

    def __init__(self, *keys: DataKey, done: bool = True) -> None:
        super().__init__(NOWHERE, {OUTBOX}, Credentials())
        self.finished: list[tuple[str, str]] = []
        self.hold(*keys, done=done)

    def hold(self, *keys: DataKey, done: bool) -> None:
        """Hold these from now on; *done*: nothing plain and nothing older is left."""
        names = frozenset({OUTBOX}) if done else frozenset[str]()
        self._hold(
            [HeldKey(NOWHERE / f"key-{n}-", key, names, False) for n, key in enumerate(keys)]
        )


def sealed(
    inner: OutboxStore, keys: Keys, aside: Path, told: list[str] | None = None
) -> SealedStore:
    """*inner* sealed with *keys*; *told* hears what cannot be read."""
    heard: list[str] = [] if told is None else told
    return SealedStore(inner, StoreSeal(keys, OUTBOX), aside, heard.append)
