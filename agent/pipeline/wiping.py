"""The command ``wipe``: everything personal that the gate keeps is erased, and its keys with it.

First each store is emptied and told to the disk; then a new key takes over, what may stay (alarms
and facts that the station has not acked, alarms that go on, the key of the audit log) is sealed
anew, and the keys that sealed what was erased are destroyed. Only then it is done. Doing it twice
does no harm, so a wipe that was cut short is begun anew after the restart. Here: this sequence. Not
here: the stores (``agent.stores``), the keys (``agent.vault``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from agent.core.commands import Command, Ending, Finish, Plan
from agent.core.errors import RefusedError, StoreError
from agent.pipeline.deeds import Args, read_args
from contract.words import Outcome, Refusal

KEYS = "keys"
KEYS_S = 60.0


class _Wipe(Args):
    confirm: Annotated[str, Field(max_length=98)]


@dataclass(frozen=True, slots=True)
class Wiped:
    """What a wipe reaches.

    ``stores`` by name: each empties itself durably, but for what is kept by a thread of its own:
    ``kept`` calls back when that is durable, too. ``retire`` ends every key of now and calls back
    once they are destroyed. Stores and ``retire`` raise StoreError or OSError. ``later`` calls a
    function after so many seconds.
    """

    stores: Mapping[str, Callable[[], None]]
    kept: Callable[[Callable[[], None]], None]
    retire: Callable[[Callable[[], None]], None]
    later: Callable[[float, Callable[[], None]], object]


class Wipe:
    """The stores of this gate are emptied, named one by one; then their keys go."""

    in_drills = False

    def __init__(self, node: str, wiped: Wiped) -> None:
        """*node* is what a command must name to be meant."""
        self._node = node
        self._wiped = wiped

    def plan(self, command: Command) -> Plan:
        """Only with the gate's own name as ``confirm``."""
        confirm = read_args(_Wipe, command).confirm
        if confirm not in (self._node, self._node.rpartition(".")[2]):
            raise RefusedError(Refusal.MALFORMED, f"args: confirm: is not '{self._node}'")
        return {"stores": [*self._wiped.stores, KEYS]}

    def do(self, _: Command, __: Plan, finish: Finish) -> None:
        """Empty all."""
        self._wipe(finish)

    def recall(self, _: Plan, finish: Finish) -> None:
        """Finish it."""
        self._wipe(finish)

    def _wipe(self, finish: Finish) -> None:
        wiped: list[str] = []
        failed: dict[str, str] = {}
        for name, empty in self._wiped.stores.items():
            try:
                empty()
                wiped.append(name)
            except (StoreError, OSError) as error:
                failed[name] = str(error)[:100]
        if failed:
            failed[KEYS] = "stay, because not everything is erased"
            finish(_failed(wiped, failed))
            return
        self._wiped.kept(lambda: self._retire(wiped, finish))
        late = {KEYS: "those of before are not destroyed yet; it goes on"}
        self._wiped.later(KEYS_S, lambda: finish(_failed(wiped, late)))

    def _retire(self, wiped: list[str], finish: Finish) -> None:
        try:
            self._wiped.retire(lambda: finish(_done(wiped)))
        except (StoreError, OSError) as error:
            finish(_failed(wiped, {KEYS: str(error)[:100]}))


def _done(wiped: list[str]) -> Ending:
    return Ending(Outcome.DONE, "", {"wiped": [*wiped, KEYS], "failed": {}})


def _failed(wiped: list[str], failed: Mapping[str, str]) -> Ending:
    proof = {"wiped": wiped, "failed": dict(failed)}
    return Ending(Outcome.FAILED, f"not erased: {', '.join(failed)}", proof)
