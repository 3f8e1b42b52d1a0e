"""Signed commands: obeyed once, refused aloud, and answered even after a crash (CONTRACT 4).

The steps of a command, and what is told of it when the agent dies right after one::

    received   checked, nothing stored     the broker delivers it again: obeyed then, or expired
    accepted   counter and order stored    unknown, with what can be seen; never done afterwards
    done       the deed has begun          the same
    ended      its result is stored        that result
    told       the result is on the wire   that result once more; a station keeps one per cmd_id

Here: this sequence. Not here: grounds for refusal (``command_checks``), the file
(``command_journal``), the way out (``results``), the deeds.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from agent.core.audit import NO_AUDIT, AuditKind, Auditor
from agent.core.clock import Clock, format_utc
from agent.core.commands import Command, Deed, Ending, Finish, Order, Result
from agent.core.errors import RefusedError, StoreError
from agent.pipeline.command_checks import Asked, Checks, as_command, read_asked
from agent.pipeline.command_journal import CommandJournal
from agent.runtime.ration import Ration, suffix
from contract.signing import OWN_LEVEL
from contract.words import CommandName, Outcome, Refusal, Role

log = logging.getLogger(__name__)

MAX_REASON = 300
CUT_SHORT = "the agent ended before it was over"


class Tells(Protocol):
    """Where results go."""

    def __call__(self, result: Result, *, drill: bool) -> None:
        """Tell the station."""


class CommandGate:
    """Checks each command and has it done at most once."""

    def __init__(
        self,
        checks: Checks,
        journal: CommandJournal,
        deeds: Mapping[CommandName, Deed],
        clock: Clock,
        tell: Tells,
        audit: Auditor = NO_AUDIT,
    ) -> None:
        self._checks = checks
        self._journal = journal
        self._deeds = deeds
        self._clock = clock
        self._tell = tell
        self._audit = audit
        self._ration = Ration()
        self.counts: Counter[Outcome] = Counter()
        self.last_refusal = ""

    def handle(
        self, topic_name: str, payload: bytes, *, retained: bool, drill: bool = False
    ) -> None:
        """Check and do what arrived on ``~/cmd/{topic_name}``; the result is told, now or later."""
        cmd_id = "unknown"
        try:
            if retained:
                raise RefusedError(Refusal.RETAINED, "never taken from the broker's shelf")
            asked, signed = read_asked(payload)
            cmd_id = asked.cmd_id
            name = self._checks.genuine(asked, signed, topic_name)
            command = as_command(asked, name, drill=drill)
            deed, order = self._accept(asked, command, drill=drill)
        except RefusedError as error:
            self._refuse(topic_name, cmd_id, error, drill=drill)
            return
        self._do(command, deed, order, self._checks.late_ms(asked))

    def vouch(self, signed: Mapping[str, Any], issuer: str, role: Role, what: str) -> None:
        """RefusedError unless *signed*, which is *what*, is by somebody who may say it."""
        self._checks.vouch(signed, issuer, role, what)

    def resume(self) -> None:
        """After a start: end what an earlier life left open; nothing that moves is done again."""
        for order in self._journal.open:
            deed = self._deeds.get(order.name)
            log.warning("%s %s was under way", order.name, order.cmd_id)
            finish = self._once(order, None)
            try:
                if deed is None:
                    finish(Ending(Outcome.UNKNOWN))
                else:
                    deed.recall(order.plan, finish)
            except Exception as error:
                log.exception("command %s cannot be recalled", order.name)
                finish(Ending(Outcome.UNKNOWN, str(error)))

    def _accept(self, asked: Asked, command: Command, *, drill: bool) -> tuple[Deed, Order]:
        """The deed and its order, durably stored with the counter; RefusedError otherwise."""
        name = command.name
        self._checks.timely(asked, name)
        deed = self._deeds.get(name)
        if deed is None:
            raise RefusedError(Refusal.UNSUPPORTED, f"this gate does not do '{name}'")
        if command.exercise and not deed.in_drills:
            raise RefusedError(Refusal.UNSUPPORTED, f"'{name}' is not done in a drill")
        self._checks.next_counter(asked)
        plan = deed.plan(command)
        now = format_utc(self._clock.utc_ns())
        order = Order(command.cmd_id, name, drill, now, plan, issuer=asked.issuer)
        try:
            self._journal.accept(order, asked.issuer, asked.counter)
        except StoreError as error:
            raise RefusedError(Refusal.NOT_STORED, f"the counter: {error}") from error
        return deed, order

    def _do(self, command: Command, deed: Deed, order: Order, late_ms: int | None) -> None:
        finish = self._once(order, late_ms)
        log.info("command %s %s accepted", command.name, command.cmd_id)
        try:
            deed.do(command, order.plan, finish)
        except Exception as error:
            log.exception("command %s failed", command.name)
            finish(Ending(Outcome.FAILED, str(error)))

    def _once(self, order: Order, late_ms: int | None) -> Finish:
        """Ends *order* at its first word."""
        ended = False

        def finish(ending: Ending) -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._end(order, ending, late_ms)

        return finish

    def _end(self, order: Order, ending: Ending, late_ms: int | None) -> None:
        unknown = ending.outcome is Outcome.UNKNOWN
        reason = ending.reason[:MAX_REASON] or (CUT_SHORT if unknown else "")
        result = Result(order.cmd_id, ending.outcome, reason, ending.proof, late_ms)
        self.counts[result.outcome] += 1
        log.info("command %s %s: %s", order.name, order.cmd_id, result.outcome)
        try:
            self._journal.end(result)
        except StoreError as error:
            log.error("the result of %s is not stored: %s", order.cmd_id, error)  # noqa: TRY400
        issuer = order.issuer or self._checks.station
        level = self._checks.level_of(issuer)
        self._note(AuditKind.COMMAND, issuer, order.name, result, level=level)
        self._tell(result, drill=order.drill)

    def _refuse(self, topic_name: str, cmd_id: str, error: RefusedError, *, drill: bool) -> None:
        self.counts[Outcome.REFUSED] += 1
        self.last_refusal = str(error)[:MAX_REASON]
        withheld = self._ration.take(self._clock.monotonic_ns())
        if withheld is not None:
            log.warning("command %s refused: %s%s", topic_name[:32], error, suffix(withheld))
        result = Result(cmd_id, Outcome.REFUSED, self.last_refusal)
        self._note(AuditKind.REFUSAL, "unverified", topic_name[:64], result)
        self._tell(result, drill=drill)

    def _note(
        self, kind: AuditKind, who: str, name: str, result: Result, *, level: str = ""
    ) -> None:
        what = {"command": name, "cmd_id": result.cmd_id, "outcome": result.outcome.value}
        above = {"level": level} if level not in ("", OWN_LEVEL) else {}
        self._audit.note(kind, who, {**what, **above, "reason": result.reason})
