"""The command wipe: everything is emptied, then the keys go, and only then it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.core.clock import ManualClock
from agent.core.commands import Command, Ending
from agent.core.errors import RefusedError, StoreError
from agent.pipeline.wiping import KEYS_S, Wipe, Wiped
from contract.words import CommandName, Outcome, Refusal
from tests.support.timers import Timers

NODE = "cancheng.liya-garden.gate-1"
LATE = {"keys": "those of before are not destroyed yet; it goes on"}


class Stores:
    """Two stores and the keys; each may refuse, and the keys go when ``destroyed`` is called."""

    def __init__(self) -> None:
        self.emptied: list[str] = []
        self.broken = ""
        self.at_once = True
        self.destroyed: Callable[[], None] = lambda: None
        self.ends: list[Ending] = []
        self.timers = Timers(ManualClock())
        stores = {name: lambda name=name: self._empty(name) for name in ("watchlist", "more")}
        self.deed = Wipe(NODE, Wiped(stores, self._kept, self._retire, self.timers.later))

    def wipe(self, **args: Any) -> None:
        """Do what is asked."""
        command = asked(**{"confirm": NODE, **args})
        self.deed.do(command, self.deed.plan(command), self.ends.append)

    def _empty(self, name: str) -> None:
        if self.broken == name:
            raise StoreError("disk full")
        self.emptied.append(name)

    def _kept(self, done: Callable[[], None]) -> None:
        self.emptied.append("kept")
        self.durable = done
        if self.at_once:
            done()

    def _retire(self, over: Callable[[], None]) -> None:
        self._empty("keys")
        self.destroyed = over


def asked(**args: Any) -> Command:
    return Command("cmd-00000001", CommandName.WIPE, "cancheng", args)


@pytest.mark.parametrize("confirm", [NODE, "gate-1"])
def test_a_wipe_names_its_gate_and_is_done_when_the_keys_are_gone(confirm: str) -> None:
    stores = Stores()
    stores.wipe(confirm=confirm)
    assert stores.emptied == ["watchlist", "more", "kept", "keys"]
    assert stores.ends == []
    stores.destroyed()
    proof = {"wiped": ["watchlist", "more", "keys"], "failed": {}}
    assert stores.ends == [Ending(Outcome.DONE, "", proof)]


@pytest.mark.parametrize("args", [{}, {"confirm": "gate-2"}, {"confirm": ""}, {"confirm": True}])
def test_a_wipe_that_does_not_name_this_gate_is_refused(args: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        Stores().deed.plan(asked(**args))
    assert refused.value.reason is Refusal.MALFORMED


def test_a_store_that_refuses_is_named_and_the_keys_stay() -> None:
    stores = Stores()
    stores.broken = "watchlist"
    stores.wipe()
    (ending,) = stores.ends
    assert (ending.outcome, ending.reason) == (Outcome.FAILED, "not erased: watchlist, keys")
    failed = {"watchlist": "disk full", "keys": "stay, because not everything is erased"}
    assert ending.proof == {"wiped": ["more"], "failed": failed}
    assert stores.emptied == ["more"]


def test_without_a_new_key_the_old_ones_stay_and_that_is_told() -> None:
    stores = Stores()
    stores.broken = "keys"
    stores.wipe()
    (ending,) = stores.ends
    proof = {"wiped": ["watchlist", "more"], "failed": {"keys": "disk full"}}
    assert (ending.outcome, ending.proof) == (Outcome.FAILED, proof)


def test_keys_that_do_not_go_in_time_are_told_as_not_gone() -> None:
    stores = Stores()
    stores.wipe()
    stores.timers.wait(KEYS_S + 0.1)
    (ending,) = stores.ends
    proof = {"wiped": ["watchlist", "more"], "failed": LATE}
    assert (ending.outcome, ending.proof) == (Outcome.FAILED, proof)


def test_a_wipe_that_was_cut_short_is_finished() -> None:
    stores = Stores()
    stores.deed.recall({}, stores.ends.append)
    assert stores.emptied == ["watchlist", "more", "kept", "keys"]
    stores.destroyed()
    assert [ending.outcome for ending in stores.ends] == [Outcome.DONE]


def test_no_key_goes_before_what_was_forgotten_is_off_the_disk() -> None:
    stores = Stores()
    stores.at_once = False
    stores.wipe()
    assert stores.emptied == ["watchlist", "more", "kept"]
    stores.durable()
    assert stores.emptied[-1] == "keys"
