"""The gate's certificate renews itself at two thirds of its life, and no alarm is lost by it.

::

    HOLDING   --two thirds over-->       ASKING     a new key, made here; the present certificate
                                                    proves who asks
    ASKING    --certificate, confirmed-> SWITCHING  the station has seen the new one work
    SWITCHING --link up-->               HOLDING
    SWITCHING --refused for a minute-->  HOLDING    with the previous one, as long as it is good
    ASKING    --no answer-->             HOLDING    tried again, with growing waits

Both certificates are good meanwhile. The file with key and certificate is replaced at once; the
link then connects anew when all that is on the wire is acknowledged, and what comes in between
waits in the outbox. Here: when, and in which order. Files and network are ``agent.identity``'s,
imported by the worker that needs them: panic is live before X.509 is loaded.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from agent.config.schema.site import Link as LinkConfig
from agent.core.audit import NO_AUDIT, AuditKind, Auditor
from agent.core.backoff import Backoff, BackoffPolicy
from agent.core.errors import CheckFailedError, GatehouseError
from agent.link.session import LinkFault
from agent.runtime.threads import in_daemon_thread
from contract.topics import Address

if TYPE_CHECKING:
    from agent.identity.renewer import Held

log = logging.getLogger(__name__)

LOOK_S = 60.0
SETTLE_S = 60.0
SETTLE_POLL_S = 0.2
_REFUSED = (LinkFault.TLS, LinkFault.LOGIN)


class Reconnecting(Protocol):
    """The link, as a renewal sees it.

    ``fault`` is why it is down, None while it is up; ``connections`` counts them.
    """

    fault: LinkFault | None
    connections: int

    @property
    def up(self) -> bool:
        """True while the broker carries."""

    def reconnect(self) -> None:
        """Connect anew with the files as they are."""


class Worker(Protocol):
    """What blocks: files and network. ``agent.identity.renewer.Renewer``."""

    def held(self) -> Held:
        """The present certificate."""

    def confirm(self) -> bool:
        """Tell the station of a certificate that it does not know to be in use; True when told."""

    def renew(self) -> Held:
        """Get another certificate, confirmed, and put it in place."""

    def go_back(self) -> Held:
        """Put the previous one in place again."""


Tell = Callable[[str, str], None]
_T = TypeVar("_T")


class Beside(Protocol):
    """Runs blocking work and waits for it."""

    async def __call__(self, work: Callable[[], _T]) -> _T:
        """What *work* returns or raises."""


class Renewal:
    """Runs beside the link. ``now`` is the wall clock, UTC."""

    def __init__(
        self,
        worker: Callable[[], Worker],
        link: Reconnecting,
        tell: Tell,
        backoff: Backoff,
        now: Callable[[], datetime],
        beside: Beside = in_daemon_thread,
        audit: Auditor = NO_AUDIT,
    ) -> None:
        """*worker* is made and used by *beside*; *backoff* spaces tries, in seconds.

        *tell(until, trouble)* hears how it stands, on the loop: RFC 3339 or '', and '' for none.
        """
        self._make_worker = worker
        self._link = link
        self._tell = tell
        self._backoff = backoff
        self._now = now
        self._beside = beside
        self._audit = audit
        self._unconfirmed = True
        self._in_use = ""

    async def run(self) -> None:
        """Look after the certificate until cancelled."""
        worker = await self._beside(self._make_worker)
        while True:
            wait_s = await self._turn(worker)
            await asyncio.sleep(wait_s)

    async def _turn(self, worker: Worker) -> float:
        """One look; seconds until the next."""
        held: Held | None = None
        try:
            held = await self._beside(worker.held)
            if held.serial != self._in_use:
                self._note("in-use", held)
            if self._unconfirmed:
                self._unconfirmed = not await self._beside(worker.confirm)
            if self._now() >= held.renew_at:
                held = await self._renewed(worker, held)
        except GatehouseError as error:
            self._tell("" if held is None else _text(held.not_after), str(error))
            return self._backoff.failed()
        self._backoff.succeeded()
        self._tell(_text(held.not_after), "")
        left = held.renew_at - self._now()
        return min(max(left / timedelta(seconds=1), 0.0), LOOK_S)

    async def _renewed(self, worker: Worker, before: Held) -> Held:
        """Another certificate in use; the one from *before* again when nobody accepts it."""
        held = await self._beside(worker.renew)
        log.info("certificate renewed, good until %s", _text(held.not_after))
        self._note("renewed", held, before.serial)
        refused, connections = held.serial, self._link.connections
        self._link.reconnect()
        if not await self._refused(connections) or self._now() >= before.not_after:
            return held
        held = await self._beside(worker.go_back)
        self._note("went-back", held, refused)
        self._link.reconnect()
        raise CheckFailedError("the broker refuses the renewed certificate; the last one is used")

    def _note(self, did: str, held: Held, before: str = "") -> None:
        """Which certificate is in use, in place of which; one that another program put there too.

        A join stands in the log as the certificate that the next start finds.
        """
        self._in_use = held.serial
        what = {"did": did, "serial": held.serial, "not_after": _text(held.not_after)}
        instead = {"before": before} if before else {}
        self._audit.note(AuditKind.IDENTITY, "gate", {**what, **instead})

    async def _refused(self, connections: int) -> bool:
        """True when the link came up no more for a minute; *connections* were made before."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + SETTLE_S
        while loop.time() < until_s:
            if self._link.connections > connections:
                return False
            await asyncio.sleep(SETTLE_POLL_S)
        return self._link.fault in _REFUSED


def renewal_for(
    config: LinkConfig, gate: Address, link: Reconnecting, tell: Tell, audit: Auditor = NO_AUDIT
) -> Renewal:
    """The renewal of a gate whose link has TLS files."""
    backoff = Backoff(BackoffPolicy(first_s=2.0, max_s=600.0), random.random)
    worker = functools.partial(make_worker, config, gate)
    return Renewal(worker, link, tell, backoff, lambda: datetime.now(UTC), audit=audit)


def make_worker(config: LinkConfig, gate: Address) -> Worker:
    """The worker for this gate; called in a thread, once panic is live."""
    from agent.identity.renewer import Renewer  # noqa: PLC0415 - see above

    tls = config.tls
    if tls is None:
        raise CheckFailedError("no broker has TLS files")
    places = [(place.host, place.port) for place in config.enrolment]
    return Renewer(tls.ca_file, tls.cert_file, gate, places)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
