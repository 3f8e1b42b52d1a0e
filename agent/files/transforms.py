"""The seeds of one store's transform of templates: the one of now, and older ones still needed.

Templates are kept under ``{model_id}~{transform}``, so rows under another transform are as far off
as rows of another embedder. A new seed revokes what was copied; rows are converted, then the older
seed is overwritten. Lists of faces and residents each have seeds of their own, so that no template
of one can be compared with one of the other. Here: seeds and names. Not here: the mathematics
(``models.transform``), who converts (``agent.watchlist.searched``).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Collection
from pathlib import Path

from agent.core.errors import StoreError
from agent.core.seed import SEED_BYTES, Seed
from agent.files.atomic import AtomicJSONStorage, Seal, overwritten

_MARK = "~"
_NAME_CHARS = 16
FILE = "transforms.json"


def seed_of(secret: bytes) -> Seed:
    """A seed with its name: the start of a hash that nobody goes back from."""
    name = hashlib.sha256(b"gatehouse transform name" + secret).hexdigest()[:_NAME_CHARS]
    return Seed(name, secret)


def parted(kept_as: str) -> tuple[str, str]:
    """Model and transform of templates kept under that name; no transform: as they were made."""
    model_id, _, name = kept_as.partition(_MARK)
    return model_id, name


class SiteTransforms:
    """Runs on the loop. ``on_renewed`` is called when there is a new seed."""

    def __init__(
        self,
        path: Path,
        seal: Seal | None = None,
        *,
        load: bool = True,
        fresh: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """StoreError when the file cannot be used; with *load* false it begins anew."""
        self._path = path
        self._storage = AtomicJSONStorage(path, seal)
        self._fresh = fresh
        self._seeds: list[Seed] = []
        self.on_renewed: Callable[[], None] = lambda: None
        if load:
            self._load()
        if not self._seeds:
            self._seeds = [seed_of(fresh(SEED_BYTES))]
            with contextlib.suppress(StoreError):  # templates are not stored either then
                self._save(self._seeds)

    @property
    def current(self) -> Seed:
        """What templates are transformed by now."""
        return self._seeds[-1]

    def kept_as(self, model_id: str) -> str:
        """Under which name templates of that embedder are kept now."""
        return f"{model_id}{_MARK}{self.current.name}"

    def known(self, name: str) -> Seed | None:
        """The seed of that name, if it is still here."""
        return next((seed for seed in self._seeds if seed.name == name), None)

    def renew(self) -> None:
        """A new seed from now on, durably; StoreError when the disk refuses."""
        with overwritten(self._path):
            self._save([*self._seeds, seed_of(self._fresh(SEED_BYTES))])
        self.on_renewed()

    def reseal(self) -> None:
        """Write the seeds anew, with the key of now; StoreError when the disk refuses."""
        with overwritten(self._path):
            self._save(self._seeds)

    def forget_but(self, needed: Collection[str]) -> None:
        """Overwrite older seeds under which nothing is kept any more."""
        left = [s for s in self._seeds if s is self.current or s.name in needed]
        if len(left) < len(self._seeds):
            with overwritten(self._path):
                self._save(left)

    def _save(self, seeds: list[Seed]) -> None:
        rows = {str(n): {"seed": seed.secret.hex()} for n, seed in enumerate(seeds, start=1)}
        self._storage.write({"seeds": rows})
        self._seeds = seeds

    def _load(self) -> None:
        try:
            found = self._storage.read()
            rows = {} if found is None else found["seeds"]
            secrets = [bytes.fromhex(rows[number]["seed"]) for number in sorted(rows, key=int)]
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise StoreError(f"{self._path} is damaged: {type(error).__name__}") from error
        whole = all(len(secret) == SEED_BYTES for secret in secrets)
        if not whole or (found is not None and not secrets):
            raise StoreError(f"{self._path} is damaged: it holds no seeds of {SEED_BYTES} bytes")
        self._seeds = [seed_of(secret) for secret in secrets]
