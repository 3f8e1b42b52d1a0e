"""Having ``station serve`` send what a command queued: waited for, then kept or taken back.

Not here: the queue itself (``station.desk``), what is sent.
"""

from __future__ import annotations

from agent.core.errors import UnreachableError
from station.desk import Desk

SEND_S = 5.0


def is_sent(desk: Desk, n: int, wait_s: float = SEND_S) -> bool:
    """Wait until order *n* is sent; False when it was not in time.

    UnreachableError when the broker refused it.
    """
    sent = desk.wait(n, wait_s)
    if sent is not None and sent.refusal is not None:
        raise UnreachableError(f"the broker refused it: {sent.refusal}")
    return sent is not None


def send_or_keep(desk: Desk, n: int, wait_s: float = SEND_S) -> None:
    """UnreachableError when order *n* is not sent in time; it stays queued."""
    if not is_sent(desk, n, wait_s):
        raise UnreachableError(
            "stored, but not sent yet: it will be sent when 'gatehouse station serve' runs "
            "and reaches the broker"
        )


def send_or_withdraw(desk: Desk, n: int) -> None:
    """UnreachableError when order *n* is not sent in time; it is taken back, never sent later."""
    if not is_sent(desk, n) and desk.withdraw(n):
        raise UnreachableError(
            "not sent, and withdrawn: 'gatehouse station serve' does not run or has no broker"
        )
