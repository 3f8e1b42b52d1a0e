"""The durable memory of commands: counters, ids that were obeyed, orders and how they ended.

One small file, replaced whole (``agent.files.atomic``): the counter and the order that it admits
are stored in one step, before anything is done. An order stays until the station has its result.
A file that cannot be read is left as it is, and then no command is obeyed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.core.commands import Order, Result
from agent.core.errors import StoreError
from agent.files.atomic import overwritten, write_atomic
from contract.signing import strict_json
from contract.words import CommandName, Outcome

log = logging.getLogger(__name__)

FORM = 2
KEPT_IDS = 200
KEPT_ORDERS = 50
MAX_PROOF = 4096
MAX_BYTES = 16 * 1024 * 1024
Write = Callable[[Path, bytes], None]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)
    cmd_id: str
    name: CommandName
    drill: bool
    accepted_utc: str
    plan: dict[str, Any]
    outcome: Outcome | None
    reason: str
    proof: dict[str, Any] | None
    late_ms: int | None
    issuer: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)
    form: Literal[2]
    counters: dict[str, int]
    ids: list[str]
    orders: list[_Row]


class CommandJournal:
    """The file in memory and on the disk. Not thread-safe: the loop's own."""

    def __init__(self, path: Path, write: Write = write_atomic) -> None:
        """*write* replaces a file durably, or raises OSError and then it is as it was."""
        self.path = path
        self._write = write
        self._counters: dict[str, int] = {}
        self._ids: list[str] = []
        self._orders: dict[str, Order] = {}
        self.damaged = False
        try:
            self._load(path.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, ValueError):
            self.damaged = True
            log.exception("%s is damaged; no command will be obeyed until it is put right", path)

    def last_counter(self, issuer: str) -> int:
        """The counter of the newest command of *issuer* that was accepted; 0 before the first."""
        return self._counters.get(issuer, 0)

    def knows(self, cmd_id: str) -> bool:
        """True for a command that was accepted lately; older ones are told by their counter."""
        return cmd_id in self._ids

    @property
    def open(self) -> tuple[Order, ...]:
        """Orders whose end is not known, oldest first."""
        return tuple(order for order in self._orders.values() if order.result is None)

    @property
    def ended(self) -> tuple[Order, ...]:
        """Orders that ended and that the station may not have heard of, oldest first."""
        return tuple(order for order in self._orders.values() if order.result is not None)

    def accept(self, order: Order, issuer: str, counter: int) -> None:
        """Store an order with the counter that admitted it; StoreError: then nothing is stored."""
        if self.damaged:
            raise StoreError(f"{self.path} is damaged")
        counters = {**self._counters, issuer: counter}
        ids = [*self._ids, order.cmd_id][-KEPT_IDS:]
        orders = {**self._orders, order.cmd_id: order}
        self._save(counters, ids, orders)
        self._counters, self._ids, self._orders = counters, ids, orders

    def end(self, result: Result) -> Order | None:
        """Store how an order ended; the order, or None when it is none of ours.

        StoreError when the disk refuses; it is remembered in memory all the same.
        """
        order = self._orders.get(result.cmd_id)
        if order is None:
            return None
        ended = replace(order, result=result)
        self._orders[result.cmd_id] = ended
        for old in self.ended[:-KEPT_ORDERS]:
            del self._orders[old.cmd_id]
        self._save(self._counters, self._ids, self._orders)
        return ended

    def settle(self, cmd_id: str) -> None:
        """Forget an order: the station has its result. StoreError when the disk refuses."""
        if self._orders.pop(cmd_id, None) is not None:
            self._save(self._counters, self._ids, self._orders)

    def wipe(self) -> None:
        """Forget what orders that ended were about; results and counters stay.

        StoreError when the disk refuses.
        """
        for order in self.ended:
            self._orders[order.cmd_id] = replace(order, plan={})
        if self._orders:
            with overwritten(self.path):
                self._save(self._counters, self._ids, self._orders)

    def _save(
        self, counters: Mapping[str, int], ids: list[str], orders: Mapping[str, Order]
    ) -> None:
        rows = [_row(order) for order in orders.values()]
        value = {"form": FORM, "counters": dict(counters), "ids": ids, "orders": rows}
        try:
            self._write(self.path, json.dumps(value, ensure_ascii=False).encode())
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error

    def _load(self, data: bytes) -> None:
        try:
            file = _File.model_validate(strict_json(data, MAX_BYTES))
        except ValidationError as error:
            raise ValueError(f"no journal of form {FORM}: {error}") from error
        self._counters, self._ids = file.counters, file.ids
        self._orders = {row.cmd_id: _order(row) for row in file.orders}


def _row(order: Order) -> dict[str, object]:
    result = order.result
    proof = None if result is None or result.proof is None else dict(result.proof)
    if proof is not None and len(json.dumps(proof)) > MAX_PROOF:
        proof = {"truncated": True}
    return {
        "cmd_id": order.cmd_id,
        "name": order.name.value,
        "drill": order.drill,
        "accepted_utc": order.accepted_utc,
        "plan": dict(order.plan),
        "outcome": None if result is None else result.outcome.value,
        "reason": "" if result is None else result.reason,
        "proof": proof,
        "late_ms": None if result is None else result.late_ms,
        "issuer": order.issuer,
    }


def _order(row: _Row) -> Order:
    result = None
    if row.outcome is not None:
        result = Result(row.cmd_id, row.outcome, row.reason, row.proof, row.late_ms)
    return Order(row.cmd_id, row.name, row.drill, row.accepted_utc, row.plan, result, row.issuer)
