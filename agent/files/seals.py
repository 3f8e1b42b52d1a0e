"""How one store of the gate seals: its purpose, what it may still hold plain, when it is done."""

from __future__ import annotations

from agent.core.errors import SealedError
from agent.files.keys import Keys
from agent.files.sealed import Sealer, key_of


class StoreSeal:
    """The seal of the store *name*; for a file it is what ``AtomicJSONStorage`` takes."""

    def __init__(self, keys: Keys, name: str) -> None:
        self._keys = keys
        self._name = name
        self._about = name.encode()
        self.sealer: Sealer = keys.sealer(name)

    def seal(self, data: bytes) -> bytes:
        """The whole file, sealed."""
        return self.sealer.seal(data, self._about)

    def open(self, data: bytes) -> bytes:
        """What the file holds; plain bytes pass until the store was sealed once."""
        if key_of(data) is None:
            if self.done:
                raise SealedError("is not sealed, though it has to be: somebody put it there")
            return data
        return self.sealer.open(data, self._about)

    @property
    def done(self) -> bool:
        """True when nothing plain and nothing under an older key is left."""
        return self._keys.is_done(self._name)

    def finish(self, key_id: str) -> bool:
        """Everything is sealed with *key_id*; True when the older keys are destroyed by this."""
        return self._keys.done(self._name, key_id)
