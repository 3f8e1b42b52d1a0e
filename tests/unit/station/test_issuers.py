"""``station issuers``: who else may order is added and removed; what is unreadable is not kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contract.signing import read_trusted_keys
from contract.words import Role
from station import keys
from station.cli import app


@pytest.fixture
def station(tmp_path: Path) -> keys.Station:
    return keys.init(tmp_path / "station", "cancheng", "")


@pytest.fixture
def county(tmp_path: Path) -> keys.Station:
    return keys.init(tmp_path / "county", "foshan", "")


def issuers(station: keys.Station, *options: object, code: int = 0) -> str:
    words = ["issuers", "--dir", str(station.folder), *map(str, options)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code, done.output
    return done.output


def test_one_is_added_listed_and_removed(station: keys.Station, county: keys.Station) -> None:
    assert "nobody but this station" in issuers(station)
    added = issuers(station, "--add", county.trusted_keys, "--level", "city", "--role", "drill")
    assert "foshan  city  drill" in added
    assert "to gates that joined before" in added
    trusted = read_trusted_keys(station.trusted_keys.read_bytes())
    own = read_trusted_keys(county.trusted_keys.read_bytes()).keys
    assert trusted.of("foshan") == {Role.DRILL: own[Role.DRILL]}
    assert "to gates that joined before" not in issuers(station)
    assert json.loads(issuers(station, "--remove", "foshan", "--json")) == {"issuers": []}


def test_what_cannot_be_changes_nothing(station: keys.Station, county: keys.Station) -> None:
    issuers(station, "--add", county.trusted_keys)
    before = station.trusted_keys.read_bytes()
    told = issuers(station, "--remove", "nanhai", code=1)
    assert "'nanhai' is not listed; listed: foshan" in " ".join(told.split())
    assert "level" in issuers(station, "--add", county.trusted_keys, "--level", "world", code=1)
    assert "no issuer beside" in issuers(station, "--add", station.trusted_keys, code=1)
    assert "bare.json" in issuers(station, "--add", county.folder / "bare.json", code=1)
    bare = county.folder / "bare.json"
    file = json.loads(county.trusted_keys.read_bytes())
    bare.write_text(json.dumps({**file, "keys": {"config": file["keys"]["config"]}}))
    assert "no key of role drill" in " ".join(issuers(station, "--add", bare, code=1).split())
    assert station.trusted_keys.read_bytes() == before
