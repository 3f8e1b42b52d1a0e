"""The identity on disk: private, replaced at once, with the last one kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from agent.core.errors import ConfigError
from agent.identity.folder import IdentityFolder


@pytest.fixture
def folder(tmp_path: Path) -> IdentityFolder:
    made = IdentityFolder(tmp_path / "data" / "identity")
    made.prepare()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_for_the_owner_only(folder: IdentityFolder) -> None:
    before = os.umask(0)
    try:
        folder.keep_pending(b"key", b"request")
        folder.settle("ca", {"station": "cancheng"})
        folder.draft(b"key", b"certificate")
        folder.adopt_draft()
    finally:
        os.umask(before)
    assert mode(folder.folder) == 0o700
    assert {mode(path) for path in folder.folder.iterdir()} == {0o600}


def test_key_and_certificate_change_at_once_and_back(folder: IdentityFolder) -> None:
    folder.draft(b"key 1\n", b"certificate 1\n")
    assert not folder.gate.exists()
    folder.adopt_draft()
    assert folder.gate.read_bytes() == b"certificate 1\nkey 1\n"
    assert not folder.next.exists()
    assert not folder.previous.exists()
    folder.draft(b"key 2\n", b"certificate 2\n")
    folder.adopt_draft()
    assert folder.gate.read_bytes() == b"certificate 2\nkey 2\n"
    assert folder.previous.read_bytes() == b"certificate 1\nkey 1\n"
    folder.go_back()
    assert folder.gate.read_bytes() == b"certificate 1\nkey 1\n"


def test_a_pending_key_is_forgotten_once_in_use(folder: IdentityFolder) -> None:
    folder.keep_pending(b"key", b"request")
    folder.forget_pending()
    folder.forget_pending()
    assert list(folder.folder.iterdir()) == []


def test_what_others_may_read_is_not_used(folder: IdentityFolder) -> None:
    folder.draft(b"key", b"certificate")
    folder.adopt_draft()
    folder.gate.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        folder.read(folder.gate)
    with pytest.raises(ConfigError, match="cannot be read"):
        folder.read(folder.previous)
    with pytest.raises(ConfigError, match="cannot be read"):
        folder.go_back()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Are you root"):
        IdentityFolder(tmp_path / "file" / "identity").prepare()
