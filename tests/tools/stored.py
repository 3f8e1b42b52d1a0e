"""An alert as a row of the station's file, read back for tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stored:
    """One alert as the station stored it; ``n`` is the order of first receipt."""

    n: int
    id: str
    topic: str
    kind: str
    session: int
    seq: int
    replayed: bool
    copies: int
    latency_s: float
    body: dict[str, Any]

    @property
    def device(self) -> str:
        """Whose alert it is."""
        return str(self.body["data"]["device"])

    @property
    def msgtype(self) -> str:
        """Alert, Update or Cancel."""
        return str(self.body["msgtype"])

    @property
    def incident(self) -> str:
        """The incident that it tells of."""
        return str(self.body["incident"])


def stored_of(row: dict[str, Any]) -> Stored:
    """The alert in a row of the table ``messages``."""
    return Stored(
        n=row["n"],
        id=row["id"],
        topic=row["topic"],
        kind=row["kind"],
        session=row["session"],
        seq=row["seq"],
        replayed=bool(row["replayed"]),
        copies=row["copies"],
        latency_s=(row["received_ns"] - row["happened_ns"]) / 1e9,
        body=json.loads(row["body"]),
    )
