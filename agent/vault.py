"""The gate's secrets at rest: its keys, the seals of its stores, the change from key to key.

Here: who seals what, and when a key's turn is over. A key that is not there becomes an issue and
something to go on with, never the end: the alarm path needs none. Not here: cryptography and files
(``agent.files``), what the stores hold.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.audit.mac_key import make_mac_key, open_mac_key, reseal_mac_key
from agent.audit.record import MacKey
from agent.core.audit import NO_AUDIT, AuditKind, Auditor
from agent.core.errors import CheckFailedError, SealedError, StoreError
from agent.files.key_file import Credentials, read_credentials
from agent.files.keys import Keys
from agent.files.seals import StoreSeal

log = logging.getLogger(__name__)

KEYS_FOLDER = "keys"
AUDIT_FOLDER = "audit"
RESIDENTS = "residents"  # a folder with keys of its own
AUDIT, BADGES, CASES, HOTLIST = "audit", "badges", "cases", "hotlist"
OUTBOX, TRANSFORMS, WATCHLIST = "outbox", "transforms", "watchlist"
STORES = frozenset({AUDIT, BADGES, CASES, HOTLIST, OUTBOX, TRANSFORMS, WATCHLIST})
Issue = Callable[[str, str, str], None]


class Vault:
    """One per data folder. Everything here runs on the loop, or before it.

    ``on_rotation`` is called at each rotation: for who has keys of another folder to rotate, too.
    """

    def __init__(self, folder: Path, issue: Issue) -> None:
        """*issue* is told the code, the component and the text of what is wrong."""
        self._folder = folder
        self._issue = issue
        self._works: dict[str, Callable[[], None]] = {}
        self._later: set[str] = set()
        self._over: list[Callable[[], None]] = []
        self.auditor: Auditor = NO_AUDIT
        self.on_rotation: Callable[[], None] = lambda: None
        self.keys = Keys(folder / KEYS_FOLDER, STORES, self._credentials())

    def open(self) -> None:
        """Read the keys, or make the first one."""
        try:
            self.keys.load()
        except StoreError as error:
            self._issue("keys", "keys", f"nothing can be sealed, so nothing is stored: {error}")
            return
        if self.keys.unopened:
            names = ", ".join(self.keys.unopened)
            text = f"{names} cannot be opened: its credential is not here, or it is damaged"
            self._issue("keys", "keys", f"{text}; what it sealed is kept and cannot be read")

    def seal(self, name: str) -> StoreSeal:
        """How the store *name* seals."""
        return StoreSeal(self.keys, name)

    def mac_key(self) -> MacKey | None:
        """The key that vouches for the audit log; None when nothing can be sealed."""
        folder, seal = self._folder / AUDIT_FOLDER, self.seal(AUDIT)
        try:
            try:
                key = open_mac_key(folder, seal)
            except SealedError as error:
                self._issue("audit-key", "audit", f"{error}; a new key vouches from here on")
                key = make_mac_key(folder, seal)
        except StoreError as error:
            self._issue("audit-key", "audit", f"no key vouches for the audit log: {error}")
            return None

        self.reseal_by(AUDIT, lambda: reseal_mac_key(folder, key, seal))
        return key

    def reseal_by(self, name: str, work: Callable[[], None], *, later: bool = False) -> None:
        """Have *work* seal anew what the store *name* holds: now if that is due, and at rotations.

        *later*: it only begins the work, and has begun it already if it is due; :meth:`finish` is
        called in the end.
        """
        self._works[name] = work
        if later:
            self._later.add(name)
        elif name in self.keys.pending:
            self._reseal(name)

    def rotate(self, by: str) -> Mapping[str, object]:
        """Begin a rotation for *by*; CheckFailedError while one goes on."""
        if self.keys.pending:
            waits = ", ".join(sorted(self.keys.pending))
            raise CheckFailedError(f"a rotation goes on; not sealed anew yet: {waits}")
        key_id = self.keys.rotate()
        log.info("a new key %s seals from now on", key_id)
        self.auditor.note(AuditKind.KEYS, by, {"did": "rotate", "key": key_id})
        for name in self._works:
            self._reseal(name)
        self.on_rotation()
        return self.state()

    def retire(self, by: str, over: Callable[[], None]) -> None:
        """Replace every key of now, whatever goes on; *over* is called when they are destroyed.

        StoreError when no new key can be made: then nothing happens. What a kill cuts short goes on
        at the next start.
        """
        key_id = self.keys.rotate()
        log.info("a new key %s takes the place of all others", key_id)
        self.auditor.note(AuditKind.KEYS, by, {"did": "retire-older", "key": key_id})
        self._over.append(over)
        for name in self._works:
            self._reseal(name)

    def finish(self, name: str, key_id: str) -> None:
        """Everything in the store *name* is sealed with *key_id*."""
        try:
            ended = self.keys.done(name, key_id)
        except StoreError as error:
            self._issue("keys", "keys", f"a rotation is not finished: {error}")
            return
        if ended:
            log.info("every store is sealed with key %s; the older keys are destroyed", key_id)
            self.auditor.note(AuditKind.KEYS, "gate", {"did": "destroy-older", "key": key_id})
            told, self._over = self._over, []
            for over in told:
                over()

    def state(self) -> Mapping[str, object]:
        """Which key seals, what protects it, and which stores are not sealed with it yet."""
        ring = self.keys.ring()
        return {
            "key": ring.current.id,
            "older": sorted(set(ring.known) - {ring.current.id}),
            "credential": self.keys.wrapped,
            "pending": sorted(self.keys.pending),
            "unopened": list(self.keys.unopened),
        }

    def _reseal(self, name: str) -> None:
        try:
            key_id = self.keys.ring().current.id
            self._works[name]()
        except StoreError as error:
            self._issue("keys", "keys", f"{name} is not sealed anew: {error}")
            return
        if name not in self._later:
            self.finish(name, key_id)

    def _credentials(self) -> Credentials:
        try:
            return read_credentials()
        except StoreError as error:
            self._issue("keys", "keys", str(error))
            return Credentials()


def vouching_key(folder: Path) -> MacKey | None:
    """The key of the audit log below *folder*, where this process may read it; changes nothing."""
    try:
        keys = Keys(folder / KEYS_FOLDER, STORES, read_credentials(), read_only=True)
        return open_mac_key(folder / AUDIT_FOLDER, StoreSeal(keys, AUDIT), make=False)
    except (StoreError, OSError):
        return None
