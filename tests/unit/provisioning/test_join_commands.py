"""``init``, ``join`` and the station's commands about gates, as a person sees them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from contract.join import PREFIX
from tests.support.cli import Said, Shell

IDS = ("--station", "cancheng", "--site", "liya-garden", "--node", "gate-1")
NAME = "cancheng.liya-garden.gate-1"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.delenv("GATEHOUSE_CONFIG", raising=False)
    return Shell(monkeypatch, capsys)


class Hands:
    """Somebody at a gate and at a station, both below one folder."""

    def __init__(self, shell: Shell, folder: Path) -> None:
        self.shell, self.folder = shell, folder
        self.identity = folder / "gate" / "identity"
        self.config = folder / "gate" / "gate.yaml"

    def gate(self, *words: str | Path) -> Said:
        """A command at the gate."""
        return self.shell(*words, "--config", self.config, "--dir", self.identity)

    def station(self, *words: str | Path) -> Said:
        """A command at the station."""
        return self.shell("station", *words, "--dir", self.folder / "station")


@pytest.fixture
def hands(shell: Shell, tmp_path: Path) -> Hands:
    made = Hands(shell, tmp_path)
    said = made.station("init", "--id", "cancheng", "--host", "station.example.net")
    assert said.code == 0
    assert "station.example.net" in said.out
    return made


def test_init_makes_a_private_key_once_and_shows_it_again(hands: Hands) -> None:
    first = hands.gate("init", *IDS)
    assert first.code == 0
    assert f"Made a key for {NAME}" in first.out
    key = hands.identity / "pending.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert b"PRIVATE" in key.read_bytes()
    second = hands.gate("init", *IDS)
    assert "There is already a key" in second.out
    assert first.out.splitlines()[1] == second.out.splitlines()[1]
    other = hands.gate("init", *IDS[:5], "gate-2", "--json")
    assert other.value["made"]


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("init",), 2, "--station is missing"),
        (("init", *IDS[:4]), 2, "--node is missing"),
        (("init", *IDS[:5], "Gate 1"), 2, "node id 'Gate 1'"),
        (("join",), 2, "give a token"),
        (("join", "hello"), 1, "is no join token"),
        (("join", "--from", "/nowhere"), 1, "run 'gatehouse init' first"),
    ],
)
def test_what_is_missing_is_said(
    hands: Hands, words: tuple[str, ...], code: int, problem: str
) -> None:
    said = hands.gate(*words, "--json")
    assert said.code == code
    assert problem in said.out + said.err


def test_ids_come_from_the_configuration_when_it_names_them(hands: Hands) -> None:
    hands.config.parent.mkdir()
    hands.config.write_text("node: {station: cancheng, site: s, node: n}\n", "utf-8")
    assert hands.gate("init", "--json").value["gate"] == "cancheng.s.n"
    said = hands.gate("init", "--node", "m", "--json")
    assert said.code == 1
    assert "node.node: n, the station m" in said.value["error"]


def test_by_stick_with_both_fingerprints_compared(hands: Hands) -> None:
    made = hands.gate("init", *IDS, "--csr-to", hands.folder, "--json").value
    request = hands.folder / f"{NAME}.csr"
    said = hands.station("enrol", "--request", request, "--fingerprint", "00:11")
    assert said.code == 1
    assert "was not confirmed" in said.err
    said = hands.station(
        "enrol", "--request", request, "--fingerprint", made["fingerprint"], "--area", "west"
    )
    assert f"signed for {NAME}" in said.out
    authority = hands.station("token", "liya-garden/gate-9", "--json").value["authority"]
    assert authority in said.out
    done = hands.gate("join", "--from", hands.folder, "--fingerprint", authority)
    assert done.code == 0
    assert f"{NAME} has joined" in done.out
    assert made["fingerprint"] in done.out
    assert "The station has not been told yet" in done.out
    assert hands.shell("check", "--config", hands.config).code == 0


def test_an_identity_is_not_made_twice_by_accident(hands: Hands) -> None:
    made = hands.gate("init", *IDS, "--csr-to", hands.folder, "--json").value
    request = hands.folder / f"{NAME}.csr"
    hands.station("enrol", "--request", request, "--fingerprint", made["fingerprint"])
    authority = hands.station("token", "liya-garden/gate-9", "--json").value["authority"]
    hands.gate("join", "--from", hands.folder, "--fingerprint", authority)
    said = hands.gate("init", *IDS)
    assert said.code == 1
    assert "--again" in said.err


def test_tokens_are_shown_once(hands: Hands) -> None:
    said = hands.station("token", "liya-garden/gate-1", "--area", "west", "--hours", "2")
    word = next(line for line in said.out.splitlines() if line.startswith(PREFIX))
    listed = hands.station("token", "--list")
    assert NAME in listed.out
    assert "open" in listed.out
    assert word not in listed.out
    name = listed.out.split()[0]
    assert hands.station("token", "--revoke", name).code == 0
    assert "withdrawn" in hands.station("token", "--list").out
    assert hands.station("token", "--revoke", name).code == 1
    assert hands.station("token", "--revoke", "ffffffff").code == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("token",), 2),
        (("token", "liya-garden/gate-1", "--list"), 2),
        (("token", "liya-garden/gate-1", "--hours", "25"), 2),
        (("token", "gate-1"), 78),
        (("token", "luocun.liya-garden.gate-1"), 78),
        (("token", "area/gate-1"), 1),
        (("token", "liya-garden/gate-1", "--area", "The West"), 78),
        (("revoke", "liya-garden/gate-1"), 1),
        (("areas", "liya-garden/gate-1", "--area", "west"), 1),
        (("enrol", "--request", "/nowhere.csr"), 1),
        (("init", "--id", "cancheng"), 1),
    ],
)
def test_what_cannot_be_done(hands: Hands, words: tuple[str, ...], code: int) -> None:
    assert hands.station(*words).code == code


def test_gates_areas_and_revocation_as_text(hands: Hands) -> None:
    assert "no gate has joined" in hands.station("gates").out
    made = hands.gate("init", *IDS, "--csr-to", hands.folder, "--json").value
    request = hands.folder / f"{NAME}.csr"
    hands.station("enrol", "--request", request, "--fingerprint", made["fingerprint"])
    said = hands.station("gates")
    assert f"{NAME}  joined  until" in said.out
    assert made["fingerprint"] in said.out
    assert (
        "west, north"
        in hands.station("areas", "liya-garden/gate-1", "--area", "west", "--area", "north").out
    )
    assert "areas west, north" in hands.station("gates").out
    assert "no area" in hands.station("areas", "liya-garden/gate-1").out
    assert f"revoked: {NAME}, 1 certificates" in hands.station("revoke", "liya-garden/gate-1").out
    assert f"{NAME}  revoked" in hands.station("gates").out
