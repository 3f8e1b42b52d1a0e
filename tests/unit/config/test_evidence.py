"""The transmission basis: whole or not at all, named with its place, and over when it is over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.config.load import InvalidConfigError, parse
from agent.config.schema.evidence import Evidence
from agent.config.schema.root import Config
from agent.core.clock import NS_PER_S
from tests.support.samples import gate, gate_text

LINES = gate_text().count("\n")
BASIS = "Test Act, section 12"
WHOLE = {"basis": BASIS, "owner": "test desk", "expires_at": "2027-06-30"}


def written(**changes: str | None) -> str:
    """A section as it stands in a file; a key that is None is left out."""
    values = {name: value for name, value in (WHOLE | changes).items() if value is not None}
    return "evidence:\n" + "".join(f"  {name}: '{text}'\n" for name, text in values.items())


def read(text: str) -> Config:
    return parse((gate_text() + text).encode(), "gate.yaml")


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidConfigError) as caught:
        read(text)
    return str(caught.value).splitlines()


def ns(text: str) -> int:
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * NS_PER_S


@pytest.mark.parametrize("text", ["", "evidence:\n", "evidence: null\n"])
def test_without_anything_under_it_there_is_no_basis(text: str) -> None:
    assert read(text).evidence is None
    assert gate().evidence is None


def test_a_whole_one_is_read() -> None:
    found = read(written()).evidence
    assert found is not None
    assert (found.basis, found.owner, found.longest_px) == (BASIS, "test desk", 480)


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_half_a_basis_is_none_and_an_error(missing: str) -> None:
    (told,) = problems(written(**{missing: None}))
    assert told == f"gate.yaml:{LINES + 1}:1: evidence.{missing}: is missing"


@pytest.mark.parametrize(
    ("changed", "path", "why"),
    [
        ({"basis": "law"}, "basis", "at least 8"),
        ({"owner": ""}, "owner", "at least 2"),
        ({"expires_at": "next year"}, "expires_at", "must be a date such as '2027-06-30'"),
        ({"expires_at": "2027-06-30T08:00:00"}, "expires_at", "with its time zone"),
        ({"expires_at": "2027-13-30"}, "expires_at", "must be a date"),
        ({"longest_px": "large"}, "longest_px", "must be a whole number"),
        ({"expire_at": "2027-06-30"}, "expire_at", "unknown key; did you mean 'expires_at'?"),
    ],
)
def test_an_error_has_its_place(changed: dict[str, str], path: str, why: str) -> None:
    (told,) = problems(written(**changed))
    assert f": evidence.{path}: " in told
    assert why in told
    assert told.startswith(f"gate.yaml:{LINES + 2}:") or int(told.split(":")[1]) > LINES + 2


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        ("2027-06-30", "2027-06-29T23:59:59+00:00"),
        ("2027-06-30T08:00:00Z", "2027-06-30T07:59:59+00:00"),
        ("2027-06-30T08:00:00+08:00", "2027-06-29T23:59:59+00:00"),
    ],
)
def test_it_holds_until_its_last_second(ends: str, last: str) -> None:
    basis = Evidence(basis=BASIS, owner="desk", expires_at=ends)
    assert basis.ended(ns(last)) == ""
    assert basis.ended(ns(last) + NS_PER_S) == f"the transmission basis ended at {ends}"


def test_on_a_clock_that_was_never_set_nothing_holds() -> None:
    assert "not set" in Evidence(basis=BASIS, owner="desk", expires_at="2099-01-01").ended(0)
