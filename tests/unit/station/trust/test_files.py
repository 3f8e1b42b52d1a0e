"""What 'station init' leaves: private, complete, and read back with care."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from agent.core.errors import ConfigError
from station import keys
from station.trust import actions
from station.trust.files import Plan, TrustFiles, check_plan, read_authority, read_plan
from station.trust.setup import renew_own

PLAN = Plan(("station.example.net", "192.0.2.7"), "127.0.0.1", 18883, 18884, 3600.0)


@pytest.fixture
def files(tmp_path: Path) -> TrustFiles:
    actions.init(tmp_path / "st", "cancheng", "", PLAN)
    return TrustFiles(tmp_path / "st")


def test_secrets_are_the_owners_only(files: TrustFiles) -> None:
    private = {files.authority_key, files.server, files.host, files.registry, files.plan}
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    for folder in (files.folder, files.broker, files.broker / "store", files.authority.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_init_tells_the_fingerprint_and_fails_whole(tmp_path: Path) -> None:
    told = actions.init(tmp_path / "st", "cancheng", "禅城", PLAN)
    files = TrustFiles(tmp_path / "st")
    assert len(str(told["authority"]).split(":")) == 16
    assert read_plan(files) == PLAN
    with pytest.raises(ConfigError, match="no host name"):
        actions.init(tmp_path / "other", "cancheng", "", Plan(("a b",)))
    assert not (tmp_path / "other").exists()


def test_the_configuration_is_mutual_tls_and_nothing_else(files: TrustFiles) -> None:
    lines = files.config.read_text("utf-8").splitlines()
    for line in (
        "allow_anonymous false",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        "set_tcp_nodelay true",
        "tls_version tlsv1.2",
        "listener 18883 127.0.0.1",
        f"crlfile {files.revoked}",
        f"acl_file {files.rights}",
        f"cafile {files.authority}",
    ):
        assert line in lines
    assert sum(line.startswith("listener") for line in lines) == 1
    assert not any("password" in line or "psk" in line for line in lines)


def test_an_authority_open_to_others_or_damaged_is_not_used(files: TrustFiles) -> None:
    assert read_authority(files).certificate.subject
    files.authority_key.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_authority(files)
    files.authority_key.chmod(0o600)
    files.authority_key.write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_authority(files)


def test_a_station_without_an_authority_says_so(tmp_path: Path) -> None:
    made = keys.init(tmp_path / "st", "cancheng", "")
    with pytest.raises(ConfigError, match="no certificates of its own"):
        read_plan(TrustFiles(made.folder))


@pytest.mark.parametrize(
    "plan",
    [
        Plan(()),
        Plan(("",)),
        Plan(("a/b",)),
        Plan(("a\nb",)),
        Plan(("x" * 254,)),
        Plan(("fe80::1%eth0",)),
        Plan(("a",), port=0),
        Plan(("a",), enrol_port=65536),
        Plan(("a",), gate_life_s=0),
        Plan(("a",), bind="here there"),
    ],
)
def test_plans_that_cannot_be(plan: Plan) -> None:
    with pytest.raises(ConfigError):
        check_plan(plan)


@pytest.mark.parametrize("host", ["a", "a.example.", "_x.example", "192.0.2.7", "2001:db8::1"])
def test_plans_that_can(host: str) -> None:
    check_plan(Plan((host,), bind=host))


def test_own_certificates_renew_when_due_and_when_a_name_is_missing(files: TrustFiles) -> None:
    authority, now = read_authority(files), datetime.now(UTC)
    assert renew_own(files, authority, "cancheng", PLAN, now) == []
    before = files.server.read_bytes()
    later = now + timedelta(days=300)
    assert renew_own(files, authority, "cancheng", PLAN, later) == ["server", "host"]
    assert files.server.read_bytes() != before
    more = Plan((*PLAN.hosts, "second.example.net"), PLAN.bind)
    assert renew_own(files, authority, "cancheng", more, later) == ["server"]
    files.host.write_bytes(b"half")
    assert renew_own(files, authority, "cancheng", more, later) == ["host"]
    certificate = x509.load_pem_x509_certificate(files.server.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "second.example.net" in names.get_values_for_type(x509.DNSName)
