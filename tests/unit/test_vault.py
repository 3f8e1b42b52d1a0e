"""The vault: keys that are made, missing or changed never keep the gate from its work."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.audit.folder import verify
from agent.core.audit import AuditKind
from agent.core.errors import CheckFailedError, StoreError
from agent.files.key_file import CREDENTIAL
from agent.vault import AUDIT, CASES, HOTLIST, OUTBOX, WATCHLIST, Vault
from tests.support.audit import Recorder

Issues = list[tuple[str, str, str]]


def vault(folder: Path, issues: Issues | None = None) -> Vault:
    heard: Issues = [] if issues is None else issues
    made = Vault(folder, lambda *issue: heard.append(issue))
    made.auditor = Recorder()
    made.open()
    return made


def notes(made: Vault) -> list[tuple[AuditKind, str, object]]:
    assert isinstance(made.auditor, Recorder)
    return [(kind, who, what["did"]) for kind, who, what in made.auditor.notes]


def test_a_first_start_needs_nobody(tmp_path: Path) -> None:
    issues: Issues = []
    made = vault(tmp_path, issues)
    key = made.mac_key()
    assert issues == []
    assert made.state()["pending"] == [CASES, HOTLIST, OUTBOX, WATCHLIST]
    assert vault(tmp_path).mac_key() == key
    assert (tmp_path / "audit" / "mac.key").stat().st_mode & 0o777 == 0o600


def test_a_rotation_ends_when_all_have_sealed_anew(tmp_path: Path) -> None:
    made = vault(tmp_path)
    key = made.mac_key()
    sealed: list[str] = []
    made.reseal_by(WATCHLIST, lambda: sealed.append(WATCHLIST))
    made.reseal_by(OUTBOX, lambda: sealed.append(OUTBOX), later=True)
    first = str(made.state()["key"])
    for name in (CASES, HOTLIST, OUTBOX):
        made.finish(name, first)
    assert sealed == [WATCHLIST]
    assert made.state()["pending"] == []
    state = made.rotate("uid 0")
    assert sealed == [WATCHLIST, WATCHLIST, OUTBOX]
    assert (state["older"], state["pending"]) == ([first], [CASES, HOTLIST, OUTBOX])
    with pytest.raises(CheckFailedError, match="not sealed anew yet: cases, hotlist, outbox"):
        made.rotate("uid 0")
    made.finish(CASES, str(state["key"]))
    made.finish(HOTLIST, str(state["key"]))
    made.finish(OUTBOX, str(state["key"]))
    assert made.state()["older"] == []
    assert notes(made) == [
        (AuditKind.KEYS, "uid 0", "rotate"),
        (AuditKind.KEYS, "gate", "destroy-older"),
    ]
    assert vault(tmp_path).mac_key() == key


def test_a_store_that_cannot_be_sealed_anew_keeps_the_old_key(tmp_path: Path) -> None:
    def refuse() -> None:
        raise StoreError("no room left")

    issues: Issues = []
    made = vault(tmp_path, issues)
    made.reseal_by(WATCHLIST, refuse)
    assert issues == [("keys", "keys", "watchlist is not sealed anew: no room left")]
    assert WATCHLIST in made.keys.pending


def test_without_a_place_for_keys_there_is_an_issue_and_no_end(tmp_path: Path) -> None:
    (tmp_path / "keys").touch()
    issues: Issues = []
    made = vault(tmp_path, issues)
    assert made.mac_key() is None
    assert [code for code, _, _ in issues] == ["keys", "audit-key"]


def test_a_lost_key_is_named_and_a_new_one_vouches(tmp_path: Path) -> None:
    first = vault(tmp_path).mac_key()
    (lost,) = (tmp_path / "keys").iterdir()
    lost.write_bytes(b"GHS1 and nothing more")
    issues: Issues = []
    made = vault(tmp_path, issues)
    key = made.mac_key()
    assert key not in (None, first)
    assert [code for code, _, _ in issues] == ["keys", "audit-key"]
    assert lost.name in issues[0][2]
    assert (tmp_path / "audit" / "mac.key.unopened").exists()
    assert verify(tmp_path / "audit", [key] if key else None).ok


def test_a_credential_that_cannot_be_used_is_an_issue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / CREDENTIAL).write_bytes(b"short")
    issues: Issues = []
    made = vault(tmp_path, issues)
    assert "16 bytes or more" in issues[0][2]
    assert made.state()["credential"] is False
    (tmp_path / CREDENTIAL).write_bytes(b"long enough for a key")
    wrapped = vault(tmp_path)
    wrapped.mac_key()
    for name in (CASES, HOTLIST, OUTBOX, WATCHLIST):
        wrapped.finish(name, str(wrapped.state()["key"]))
    again = vault(tmp_path)
    assert again.state()["credential"] is True
    assert again.keys.pending == {AUDIT, CASES, HOTLIST, OUTBOX, WATCHLIST}
