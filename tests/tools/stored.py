"""An alert as the station stored it: a row of its file, with names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


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

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """A row of the station's file."""
        return cls(
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
