"""Logging to standard error, as text for people or as one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
from typing import Literal

from agent.core.clock import format_utc
from agent.core.secret import scrub

_LEVEL_TO_SYSLOG = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


class JsonFormatter(logging.Formatter):
    """``{"time", "level", "logger", "message"}`` and ``error`` with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        body = {
            "time": format_utc(int(record.created * 1e9)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        body["message"] = scrub(body["message"])
        if record.exc_info:
            body["error"] = scrub(self.formatException(record.exc_info))
        return json.dumps(body, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Time, level, logger and message; with ``<N>`` syslog levels when the journal listens."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback after it."""
        text = scrub(super().format(record))
        if self._journal:
            level = _LEVEL_TO_SYSLOG.get(record.levelname, 5)
            return "\n".join(f"<{level}>{line}" for line in text.splitlines())
        return f"{format_utc(int(record.created * 1e9))} {text}"


def set_up_logs(level: str, form: Literal["text", "json"], *, journal: bool) -> None:
    """Send everything to standard error from here on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(journal=journal))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
