"""A resident as the gate keeps one: consent, end, templates. Never a photo.

Pure: values, and their form on the disk before it is sealed. Not here: files
(``agent.residents.store``).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agent.core.clock import NS_PER_S
from contract.signing import strict_json

MOST_TEMPLATES = 5
MOST_DIM = 1024
MOST_LABEL = 100
MOST_BYTES = 64 * 1024
LONGEST_NS = 2 * 366 * 86_400 * NS_PER_S
_ID = re.compile(r"[a-z0-9-]{1,32}")
_MODEL = re.compile(r"[A-Za-z0-9@._-]{1,100}~[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Consent:
    """Who asked the resident, which version of the text was agreed to, and when (ns, UTC)."""

    asked_by: str
    version: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Resident:
    """One person who lives or works here and agreed to be known by face.

    ``templates`` are float32 rows by model and transform. ``name``, ``unit`` and ``where`` are for
    people at the gate and may be empty.
    """

    resident_id: str
    name: str
    unit: str
    where: str
    consent: Consent
    expires_ns: int
    templates: Mapping[str, Sequence[bytes]]


def is_id(text: str) -> bool:
    """Whether *text* may be a resident's id."""
    return _ID.fullmatch(text) is not None


def fault_of(resident: Resident, now_ns: int) -> str:
    """Why *resident* cannot be kept; empty when it can."""
    consent, labels = resident.consent, (resident.name, resident.unit, resident.where)
    if not is_id(resident.resident_id):
        return f"an id is 1 to 32 of a-z, 0-9 and '-', not '{resident.resident_id[:40]}'"
    if not consent.asked_by.strip() or not consent.version.strip():
        return "without who asked and which text was agreed to there is no consent"
    if any(len(text) > MOST_LABEL for text in (*labels, consent.asked_by, consent.version)):
        return f"name, unit, place and consent have at most {MOST_LABEL} characters each"
    if resident.expires_ns <= now_ns:
        return "the end has passed already"
    if resident.expires_ns - now_ns > LONGEST_NS:
        return "the end is more than two years ahead: consent is asked for again before that"
    return _fault_of_rows(resident.templates)


def _fault_of_rows(templates: Mapping[str, Sequence[bytes]]) -> str:
    if not templates or not all(_MODEL.fullmatch(name) for name in templates):
        return "templates are not named by model and transform"
    for rows in templates.values():
        if not 1 <= len(rows) <= MOST_TEMPLATES or len({len(row) for row in rows}) > 1:
            return f"a resident has 1 to {MOST_TEMPLATES} templates of one length"
        if not all(_is_row(row) for row in rows):
            return "a template is not a row of float32 numbers"
    return ""


def _is_row(row: bytes) -> bool:
    whole = 0 < len(row) <= 4 * MOST_DIM and not len(row) % 4
    return whole and all(math.isfinite(value) for (value,) in struct.iter_unpack("<f", row))


def pack(resident: Resident) -> bytes:
    """One JSON value."""
    templates = {
        name: [base64.b64encode(row).decode("ascii") for row in rows]
        for name, rows in resident.templates.items()
    }
    value = asdict(resident) | {"templates": templates}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def unpack(data: bytes) -> Resident:
    """What was packed; ValueError when it is anything else."""
    return resident_of(strict_json(data, MOST_BYTES))


def resident_of(value: Any) -> Resident:
    """The resident in a JSON value; ValueError when there is none."""
    try:
        consent = value["consent"]
        return Resident(
            resident_id=_text(value["resident_id"]),
            name=_text(value["name"]),
            unit=_text(value["unit"]),
            where=_text(value["where"]),
            consent=Consent(
                _text(consent["asked_by"]), _text(consent["version"]), int(consent["at_ns"])
            ),
            expires_ns=int(value["expires_ns"]),
            templates={
                _text(name): [base64.b64decode(row, validate=True) for row in rows]
                for name, rows in value["templates"].items()
            },
        )
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"is no resident: {type(error).__name__}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
