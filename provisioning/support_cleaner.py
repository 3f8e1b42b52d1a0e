"""What is taken out of a support bundle before it is written: secrets, and whatever names a person.

The gate's own secrets are read where this process may read them, and looked for in every text; so
one that a camera or a library has put into a log line is found as well. Labels are texts that
people wrote and may name somebody: they go too, ids stay.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agent.config.schema.root import Config
from agent.core.secret import HIDDEN, names_secret, scrub
from agent.vault import KEYS_FOLDER, vouching_key

_SHORTEST = 4
_ENTRY = re.compile(r"\bentry (?!\*)[\w.:-]+")
_QUERY = re.compile(r"(?<=\?)[^#\s'\"]+")
_LABELS = frozenset({"name", "text"})
_LOGINS = frozenset({"username"})


class Cleaner:
    """Texts and values without what must not leave the gate."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """*secrets* are hidden wherever they stand, in every form that logs may give them."""
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
        self._secrets = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """*text* with ``***`` for secrets, logins in URLs and the ids of listed entries."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _ENTRY.sub(f"entry {HIDDEN}", scrub(text))

    def value(self, value: Any) -> Any:
        """The same for every text in a JSON value."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        return value


def shown_config(config: Config) -> Any:
    """The configuration with ``***`` for logins, whatever is called like a secret, and labels."""
    return _shown(config.model_dump(mode="json", by_alias=True), ())


def _shown(value: Any, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _shown(one, (*path, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_shown(one, (*path, number)) for number, one in enumerate(value)]
    return _shown_leaf(value, path)


def _shown_leaf(value: Any, path: tuple[str | int, ...]) -> Any:
    if value is None or not isinstance(value, str):
        return value
    label = len(path) > 1 and path[-2] in _LABELS and path[-1] in ("en", "zh")
    if label or path[-1] in _LOGINS or names_secret(path[-1:]):
        return HIDDEN
    return _QUERY.sub(HIDDEN, value) if path[-1] == "url" else value


def known_secrets(config: Config) -> Iterator[str]:
    """Passwords, keys at rest and the key of the audit log, as far as they can be read here."""
    sources = [camera.source for camera in config.cameras.values()]
    files = [getattr(one, "password_file", None) for one in (config.link, *sources)]
    for path in files:
        yield from _lines(path)
    data = config.node.data_dir
    try:
        keys = sorted((data / KEYS_FOLDER).iterdir())
    except OSError:
        keys = []
    for path in keys:
        yield from _held(path)
    mac = vouching_key(data)
    if mac is not None:
        yield mac.secret.hex()
        yield base64.b64encode(mac.secret).decode("ascii")


def _lines(path: Path | None) -> Iterator[str]:
    try:
        text = "" if path is None else path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    yield from (line.strip() for line in text.splitlines() if line.strip())


def _held(path: Path) -> Iterator[str]:
    try:
        key = json.loads(path.read_bytes())["key"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    yield str(key)


def _forms(secret: str) -> Iterator[str]:
    """As it is, as a URL carries it, and as JSON and Python write it."""
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
