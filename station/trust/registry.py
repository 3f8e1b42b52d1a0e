"""Who may join, who has joined, and which certificates were given out: one SQLite file, durable.

Rows only; what is allowed is ``station.trust.office``'s. Several processes use it at once: every
change is one transaction that waits for the others. Tokens stand here as hashes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.core.errors import ConfigError, StoreError
from agent.files.atomic import make_private

VERSION = 2
BUSY_S = 10.0
_TABLES = """
CREATE TABLE tokens (
  hash BLOB PRIMARY KEY, gate TEXT NOT NULL, areas TEXT NOT NULL, made_ns INTEGER NOT NULL,
  expires_ns INTEGER NOT NULL, key BLOB, spent_ns INTEGER, revoked_ns INTEGER
) WITHOUT ROWID;
CREATE TABLE gates (
  gate TEXT PRIMARY KEY, areas TEXT NOT NULL, since_ns INTEGER NOT NULL, revoked_ns INTEGER,
  dismissed INTEGER NOT NULL DEFAULT 0, calls TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;
CREATE TABLE certificates (
  serial TEXT PRIMARY KEY, gate TEXT NOT NULL, key BLOB NOT NULL, token BLOB,
  not_before_ns INTEGER NOT NULL, not_after_ns INTEGER NOT NULL, confirmed_ns INTEGER,
  revoked_ns INTEGER
) WITHOUT ROWID;
CREATE INDEX certificates_by_gate ON certificates (gate);
CREATE TABLE lists (
  only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL, issued_s INTEGER NOT NULL
)
"""


_CALLS = "ALTER TABLE gates ADD COLUMN calls TEXT NOT NULL DEFAULT '[]'"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token. ``key`` is the digest of the key it was used with, ``spent_ns`` when for good."""

    hash: bytes
    gate: str
    areas: tuple[str, ...]
    made_ns: int
    expires_ns: int
    key: bytes | None
    spent_ns: int | None
    revoked_ns: int | None

    @property
    def id(self) -> str:
        """What people call it."""
        return self.hash.hex()[:8]


@dataclass(frozen=True, slots=True)
class GateRow:
    """A gate that joined; ``dismissed``: its last session was ended after it was revoked.

    ``calls`` are the areas that it is agreed to call while the station is silent.
    """

    gate: str
    areas: tuple[str, ...]
    since_ns: int
    revoked_ns: int | None
    dismissed: bool
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A certificate that was given out. ``serial`` is hexadecimal, ``key`` a SHA-256."""

    serial: str
    gate: str
    key: bytes
    token: bytes | None
    not_before_ns: int
    not_after_ns: int
    confirmed_ns: int | None
    revoked_ns: int | None


class Registry:
    """One connection; used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """StoreError when the disk refuses, ConfigError for a file of another form."""
        self._path = path
        try:
            make_private(path)
            self._db = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            with self.changing():
                self._bring_up()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path} cannot be used: {error}") from error

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One durable step; nothing is done when it raises. StoreError when the disk refuses."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreError(f"{self._path} cannot be written: {error}") from error
        except BaseException:
            self._roll_back()
            raise

    # -- tokens -----------------------------------------------------------------------------------

    def add_token(self, row: TokenRow) -> None:
        """Keep a new token."""
        self._db.execute(
            "INSERT INTO tokens (hash, gate, areas, made_ns, expires_ns) VALUES (?,?,?,?,?)",
            (row.hash, row.gate, json.dumps(row.areas), row.made_ns, row.expires_ns),
        )

    def token(self, hash_: bytes) -> TokenRow | None:
        """The token of that hash."""
        rows = self._tokens("WHERE hash=?", hash_)
        return rows[0] if rows else None

    def tokens(self) -> list[TokenRow]:
        """Every token, oldest first."""
        return self._tokens("ORDER BY made_ns")

    def bind_token(self, hash_: bytes, key: bytes) -> None:
        """From now on the token is good for that key only."""
        self._db.execute("UPDATE tokens SET key=? WHERE hash=?", (key, hash_))

    def spend_token(self, hash_: bytes, at_ns: int) -> None:
        """The token is used up."""
        self._db.execute(
            "UPDATE tokens SET spent_ns=? WHERE hash=? AND spent_ns IS NULL", (at_ns, hash_)
        )

    def revoke_tokens(self, at_ns: int, *, gate: str = "", hash_: bytes = b"") -> int:
        """Withdraw the open tokens of a gate, or one; how many were open."""
        done = self._db.execute(
            "UPDATE tokens SET revoked_ns=? WHERE (gate=? OR hash=?) AND spent_ns IS NULL"
            " AND revoked_ns IS NULL",
            (at_ns, gate, hash_),
        )
        return done.rowcount

    def forget_tokens(self, before_ns: int) -> None:
        """Delete tokens that ran out before then."""
        self._db.execute("DELETE FROM tokens WHERE expires_ns<?", (before_ns,))

    # -- gates ------------------------------------------------------------------------------------

    def admit(self, gate: str, areas: tuple[str, ...], at_ns: int) -> None:
        """The gate belongs to us, with these areas."""
        self._db.execute(
            "INSERT INTO gates (gate, areas, since_ns) VALUES (?,?,?) ON CONFLICT (gate) DO UPDATE"
            " SET areas=excluded.areas, revoked_ns=NULL, dismissed=0",
            (gate, json.dumps(areas), at_ns),
        )

    def agree(self, gate: str, calls: tuple[str, ...]) -> None:
        """The gate may call these areas."""
        self._db.execute("UPDATE gates SET calls=? WHERE gate=?", (json.dumps(calls), gate))

    def gate(self, gate: str) -> GateRow | None:
        """One gate."""
        rows = self._gates("WHERE gate=?", gate)
        return rows[0] if rows else None

    def gates(self) -> list[GateRow]:
        """Every gate that ever joined, by name."""
        return self._gates("ORDER BY gate")

    def revoke_gate(self, gate: str, at_ns: int) -> None:
        """The gate belongs to us no more."""
        self._db.execute(
            "UPDATE gates SET revoked_ns=?, dismissed=0, calls='[]' WHERE gate=?", (at_ns, gate)
        )

    def dismissed(self, gate: str) -> None:
        """Its session was ended."""
        self._db.execute("UPDATE gates SET dismissed=1 WHERE gate=?", (gate,))

    # -- certificates -----------------------------------------------------------------------------

    def add_certificate(self, row: CertificateRow) -> None:
        """Keep what was given out."""
        times = (row.not_before_ns, row.not_after_ns)
        self._db.execute(
            "INSERT INTO certificates (serial, gate, key, token, not_before_ns, not_after_ns)"
            " VALUES (?,?,?,?,?,?)",
            (row.serial, row.gate, row.key, row.token, *times),
        )

    def certificate(self, serial: str) -> CertificateRow | None:
        """The certificate of that serial number."""
        rows = self._certificates("WHERE serial=?", serial)
        return rows[0] if rows else None

    def certificates(self, gate: str) -> list[CertificateRow]:
        """A gate's certificates, oldest first."""
        return self._certificates("WHERE gate=? ORDER BY not_after_ns", gate)

    def revoked(self, now_ns: int) -> list[CertificateRow]:
        """Revoked certificates that have not run out by themselves."""
        where = "WHERE revoked_ns IS NOT NULL AND not_after_ns>? ORDER BY serial"
        return self._certificates(where, now_ns)

    def knows_key(self, key: bytes) -> bool:
        """True when a certificate for that key was given out before."""
        return bool(self._certificates("WHERE key=? LIMIT 1", key))

    def confirm(self, serial: str, at_ns: int) -> None:
        """The gate uses it."""
        self._db.execute(
            "UPDATE certificates SET confirmed_ns=? WHERE serial=? AND confirmed_ns IS NULL",
            (at_ns, serial),
        )

    def revoke_certificates(self, gate: str, at_ns: int, *, but: str = "") -> int:
        """Revoke every certificate of a gate that has not run out; how many."""
        done = self._db.execute(
            "UPDATE certificates SET revoked_ns=? WHERE gate=? AND serial<>? AND revoked_ns IS NULL"
            " AND not_after_ns>?",
            (at_ns, gate, but, at_ns),
        )
        return done.rowcount

    def next_list(self, earliest_s: int) -> tuple[int, int]:
        """Number and time of issue (seconds) of the next revocation list; both only grow."""
        row = self._db.execute("SELECT number, issued_s FROM lists").fetchone() or (0, 0)
        number, issued_s = row[0] + 1, max(row[1] + 1, earliest_s)
        self._db.execute("INSERT OR REPLACE INTO lists VALUES (1,?,?)", (number, issued_s))
        return number, issued_s

    # -- within -----------------------------------------------------------------------------------

    def _tokens(self, where: str, *values: object) -> list[TokenRow]:
        rows = self._rows(f"SELECT * FROM tokens {where}", values)  # noqa: S608 - ours
        return [TokenRow(r[0], r[1], tuple(json.loads(r[2])), *r[3:]) for r in rows]

    def _gates(self, where: str, *values: object) -> list[GateRow]:
        rows = self._rows(f"SELECT * FROM gates {where}", values)  # noqa: S608 - ours
        return [
            GateRow(r[0], tuple(json.loads(r[1])), r[2], r[3], bool(r[4]), tuple(json.loads(r[5])))
            for r in rows
        ]

    def _certificates(self, where: str, *values: object) -> list[CertificateRow]:
        rows = self._rows(f"SELECT * FROM certificates {where}", values)  # noqa: S608 - ours
        return [CertificateRow(*row) for row in rows]

    def _rows(self, query: str, values: tuple[object, ...]) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self._path} cannot be read: {error}") from error

    def _bring_up(self) -> None:
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found == VERSION:
            return
        if found not in (0, 1):
            raise ConfigError(f"{self._path} has form {found}; this program knows form {VERSION}")
        for statement in [_CALLS] if found == 1 else _TABLES.split(";\n"):
            self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version={VERSION}")

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
