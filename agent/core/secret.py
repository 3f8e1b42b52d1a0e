"""Secrets as values that do not show themselves, and texts cleaned of them.

A :class:`Secret` prints as ``***`` in every form that ends in a log, a status or a traceback;
whoever needs the text asks for it with :meth:`Secret.reveal`, at the one place where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"
_LOGIN = re.compile(r"(?<=://)[^/?#\s'\"]*@")
_PARAMETER = re.compile(r"(?i)\b(pass(?:word|wd)?|pwd|secret|token)=[^&\s'\"]+")
_NAME = re.compile(r"(?i)pass(?:word|wd|phrase)?|pwd|secret|token|credential|private")


class Secret:
    """A text that nobody may see by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, _: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def scrub(text: str) -> str:
    """*text* without the logins and passwords of URLs in it."""
    return _PARAMETER.sub(rf"\1={HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", text))


def names_secret(path: Iterable[str | int]) -> bool:
    """True when a key of the configuration is called as secrets are: its value is not shown."""
    return any(isinstance(part, str) and _NAME.search(part) for part in path)
