"""A process that kills itself at a chosen step: before a word that it says to the disk."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

WORDS = ("fsync", "fdatasync", "replace", "rename", "unlink", "pwrite", "write")


def count_words(step: int) -> None:
    """Kill this process before its *step*-th word to the disk from now on."""
    said = 0

    def counted(word: Callable[..., Any]) -> Callable[..., Any]:
        def say(*arguments: Any, **named: Any) -> Any:
            nonlocal said
            if said == step:
                os.kill(os.getpid(), signal.SIGKILL)
            said += 1
            return word(*arguments, **named)

        return say

    for name in WORDS:
        setattr(os, name, counted(getattr(os, name)))
