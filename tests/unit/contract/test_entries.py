"""Watchlist entries: every rule that an entry can break is named."""

from __future__ import annotations

import base64
import json
from importlib import resources
from typing import Any

import pytest

from contract.checks import Broken, entries, entry
from contract.validate import schema_problems


def good() -> dict[str, Any]:
    file = resources.files("contract") / "examples" / "watchlist-entry.photo.json"
    value: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return value


def test_one_person_twice_is_not_two() -> None:
    value = good() | {"approvers": ["duty-officer", " Duty-Officer"]}
    assert list(entry(value)) == [Broken("approvers", "needs two different persons")]
    assert any(
        p.path == "approvers"
        for p in schema_problems("watchlist-entry", good() | {"approvers": ["a"]})
    )


@pytest.mark.parametrize(
    ("not_before", "expires_at", "problem"),
    [
        ("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", None),
        ("2026-01-01T00:00:00Z", "2026-04-01T00:00:01Z", "is more than 90 days after not_before"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "is not after not_before"),
        ("2026-01-01T08:00:00+08:00", "2026-04-01T00:00:00Z", None),
    ],
)
def test_ninety_days_at_most(not_before: str, expires_at: str, problem: str | None) -> None:
    value = good() | {"not_before": not_before, "expires_at": expires_at}
    assert [b.text for b in entry(value)] == ([] if problem is None else [problem])


@pytest.mark.parametrize(
    ("photo", "problem"),
    [
        (b"GIF89a" + bytes(20), "is neither JPEG nor PNG"),
        (b"\xff\xd8\xff" + bytes(8 * 1024 * 1024), "is 8388611 bytes long, more than 8388608"),
    ],
)
def test_photos_are_pictures_of_bounded_size(photo: bytes, problem: str) -> None:
    value = good() | {"photos": [base64.b64encode(photo).decode()]}
    assert list(entry(value)) == [Broken("photos.0", problem)]


def test_a_photo_is_base64() -> None:
    assert list(entry(good() | {"photos": ["/9j!"]})) == [Broken("photos.0", "is not base64")]


def test_photos_or_templates_with_their_model() -> None:
    value = good()
    del value["photos"]
    problems = schema_problems("watchlist-entry", value)
    assert [p.text for p in problems] == ["needs photos or templates"]
    value["templates"] = [{"vector": "AAAAAA=="}]
    problems = schema_problems("watchlist-entry", value)
    assert [p.text for p in problems] == ["'model_id' is a required property"]
    value["templates"][0]["model_id"] = "mobilefacenet-v1"
    assert schema_problems("watchlist-entry", value) == []
    assert list(entry(value)) == []


def test_a_template_is_whole_floats() -> None:
    value = good() | {"templates": [{"model_id": "m", "vector": "AAAA"}]}
    expected = Broken("templates.0.vector", "is not base64 of float32 values")
    assert list(entry(value)) == [expected]


def test_an_id_stands_once() -> None:
    found = list(entries({"entries": [good(), good()]}))
    assert found == [Broken("entries.1.entry_id", "W-2026-0117 stands twice")]
