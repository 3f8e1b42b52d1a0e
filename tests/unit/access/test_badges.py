"""Codes and cards: found again, never in the clear, one person each."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.access.badges import Badges, Proof
from agent.core.errors import CheckFailedError, StoreError
from agent.core.secret import Secret
from agent.vault import BADGES, Vault

CODE, CARD = Secret("258046"), Secret("04a1b2c3")


def made(folder: Path) -> Badges:
    vault = Vault(folder, lambda *_: None)
    vault.open()
    return Badges(folder / "badges.json", vault.seal(BADGES))


def test_a_code_is_found_after_a_restart_and_stands_nowhere_in_the_clear(tmp_path: Path) -> None:
    badges = made(tmp_path)
    badges.enrol("badge-7", Proof.CODE, CODE)
    badges.enrol("badge-7", Proof.CARD, CARD)
    again = made(tmp_path)
    assert again.find(Proof.CODE, CODE) == "badge-7"
    assert again.find(Proof.CARD, Secret(" 04A1B2C3 ")) == "badge-7"
    assert again.find(Proof.CARD, CODE) is None
    assert again.people() == {"badge-7": ("card", "code")}
    written = (tmp_path / "badges.json").read_bytes()
    for word in (b"258046", b"04A1B2C3", b"badge-7", b"salt"):
        assert word not in written


def test_no_two_people_have_the_same_and_nobody_learns_whose_it_is(tmp_path: Path) -> None:
    badges = made(tmp_path)
    badges.enrol("badge-7", Proof.CODE, CODE)
    with pytest.raises(CheckFailedError, match=r"^that will not do; choose another one$"):
        badges.enrol("badge-8", Proof.CODE, CODE)
    badges.enrol("badge-7", Proof.CODE, Secret("775533"))
    badges.enrol("badge-8", Proof.CODE, CODE)
    assert badges.find(Proof.CODE, CODE) == "badge-8"


@pytest.mark.parametrize("code", ["", "123", "1111", "3456", "9876", "12a4", "1" * 13, "１２３４"])
def test_poor_codes_are_refused_and_found_as_nobodys(tmp_path: Path, code: str) -> None:
    badges = made(tmp_path)
    with pytest.raises(CheckFailedError):
        badges.enrol("badge-7", Proof.CODE, Secret(code))
    assert badges.find(Proof.CODE, Secret(code)) is None


def test_who_is_withdrawn_is_nobody(tmp_path: Path) -> None:
    badges = made(tmp_path)
    badges.enrol("badge-7", Proof.CODE, CODE)
    assert badges.withdraw("badge-7")
    assert not badges.withdraw("badge-7")
    assert made(tmp_path).find(Proof.CODE, CODE) is None


def test_a_file_of_another_gate_is_not_used(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    made(tmp_path / "one").enrol("badge-7", Proof.CODE, CODE)
    (tmp_path / "one" / "badges.json").rename(tmp_path / "other" / "badges.json")
    with pytest.raises(StoreError):
        made(tmp_path / "other")
    closed = Badges(tmp_path / "other" / "badges.json", load=False)
    with pytest.raises(StoreError, match="nothing is changed"):
        closed.enrol("badge-7", Proof.CODE, CODE)


def test_a_rotation_seals_them_anew(tmp_path: Path) -> None:
    badges = made(tmp_path)
    badges.enrol("badge-7", Proof.CODE, CODE)
    before = (tmp_path / "badges.json").read_bytes()
    badges.reseal()
    assert (tmp_path / "badges.json").read_bytes() != before
    assert made(tmp_path).find(Proof.CODE, CODE) == "badge-7"


def test_a_wipe_takes_them_all_and_the_file(tmp_path: Path) -> None:
    badges = made(tmp_path)
    badges.enrol("badge-7", Proof.CODE, CODE)
    (tmp_path / "the-same-blocks").hardlink_to(tmp_path / "badges.json")
    before = (tmp_path / "badges.json").read_bytes()
    badges.wipe()
    assert badges.find(Proof.CODE, CODE) is None
    assert not (tmp_path / "badges.json").exists()
    assert (tmp_path / "the-same-blocks").read_bytes() != before
    badges.enrol("badge-8", Proof.CODE, CODE)
    assert made(tmp_path).people() == {"badge-8": ("code",)}
