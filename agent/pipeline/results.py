"""How commands ended, told to the station until it is sure that the broker has it.

A refusal is said once. The result of an order is said at once, and again after every reconnection
and restart, until the link has carried for ``SETTLED_S`` after it: a link whose broker does not
answer is given up on sooner than that. A station keeps one result per ``cmd_id``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from agent.core.commands import Result
from agent.core.errors import StoreError
from agent.pipeline.command_journal import CommandJournal
from contract.topics import Address

log = logging.getLogger(__name__)

SETTLED_S = 15.0


class Publish(Protocol):
    """The link, as results see it."""

    def __call__(self, topic: str, body: bytes) -> bool:
        """QoS 1; False when the link does not carry."""


class Results:
    """The way out of results. Runs on the loop."""

    def __init__(
        self,
        address: Address,
        journal: CommandJournal,
        publish: Publish,
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        """*later* calls a function after so many seconds."""
        self._address = address
        self._journal = journal
        self._publish = publish
        self._later = later
        self._connection = 0

    def __call__(self, result: Result, *, drill: bool) -> None:
        """Tell *result* on its branch."""
        topic = self._address.topic("result", drill=drill)
        if not self._publish(topic, result.body(drill=drill)):
            return
        if any(order.result == result for order in self._journal.ended):
            connection = self._connection
            self._later(SETTLED_S, lambda: self._settle(result.cmd_id, connection))

    def link_up(self) -> None:
        """Say again what the station may not have heard."""
        self._connection += 1
        for order in self._journal.ended:
            if order.result is not None:
                self(order.result, drill=order.drill)

    def link_down(self) -> None:
        """What was said lately may be lost."""
        self._connection += 1

    def _settle(self, cmd_id: str, connection: int) -> None:
        if connection != self._connection:
            return
        try:
            self._journal.settle(cmd_id)
        except StoreError as error:
            log.error("%s", error)  # noqa: TRY400 - an expected failure, its text says it all
