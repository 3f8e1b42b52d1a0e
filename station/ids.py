"""Ids of what the station sends: never the same twice, in the order in which they are made."""

from __future__ import annotations

import functools
import random

from agent.core.ids import IdSource
from agent.runtime.clock import SystemClock


def new_id() -> str:
    """A fresh id."""
    return _source().new()


@functools.cache
def _source() -> IdSource:
    """One for the process: ids of the same millisecond stay in order."""
    return IdSource(SystemClock(), random.SystemRandom().getrandbits)
