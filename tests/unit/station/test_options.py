"""Broker options: no plain text beyond this machine, whole logins, whole TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.errors import ConfigError
from station.options import (
    Broker,
    Login,
    Ring,
    Tls,
    parse_address,
    parse_addresses,
    read_login,
    read_tls,
)

TLS = Tls(Path("ca"), Path("cert"), Path("key"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_may_be_plain(host: str) -> None:
    assert Broker(host, 1883, "cancheng.host").tls is None


@pytest.mark.parametrize("host", ["broker.example", "10.0.0.7", "0.0.0.0", "localhost.example"])  # noqa: S104 - an address to refuse
def test_anything_else_needs_tls(host: str) -> None:
    with pytest.raises(ConfigError, match="--ca, --cert and --key") as raised:
        Broker(host, 1883, "cancheng.host")
    assert raised.value.exit_code == 78
    assert Broker(host, 8883, "cancheng.host", tls=TLS).tls is TLS


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:1883", "127.0.0.1", 1883), ("[::1]:8883", "::1", 8883), ("b.c:1", "b.c", 1)],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert parse_address(text) == (host, port)
    assert Broker(host, port, "c", tls=TLS).name == text


@pytest.mark.parametrize(
    "text", ["", "host", "host:", ":1883", "host:0", "host:65536", "::1:1883", "h:１"]
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_address(text)


def test_a_cluster_is_several_addresses_with_commas() -> None:
    assert parse_addresses("127.0.0.1:1883") == [("127.0.0.1", 1883)]
    assert parse_addresses("[::1]:1, b.c:2") == [("::1", 1), ("b.c", 2)]
    for text in ("a:1,", ",a:1", "a:1;b:2"):
        with pytest.raises(ConfigError):
            parse_addresses(text)


def test_each_broker_of_a_cluster_is_asked_in_its_turn() -> None:
    brokers = [Broker("127.0.0.1", port, "cancheng.host") for port in (1, 2, 3)]
    ring = Ring(brokers)
    assert len(ring) == 3
    assert [ring.next().port for _ in range(5)] == [1, 2, 3, 1, 2]


def test_a_password_comes_from_a_file_and_shows_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("s3cret word\nsecond line\n")
    login = read_login("station", path)
    assert login == Login("station", "s3cret word")
    assert "s3cret" not in repr(login)
    assert "s3cret" not in repr(Broker("::1", 1, "c", login=login))
    assert read_login(None, None) is None


def test_half_a_login_or_half_of_tls_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("")
    for user, path in (("station", None), (None, empty), ("s", empty), ("s", tmp_path / "none")):
        with pytest.raises(ConfigError):
            read_login(user, path)
    with pytest.raises(ConfigError, match="go together"):
        read_tls(empty, None, None)
    with pytest.raises(ConfigError, match="is no file"):
        read_tls(empty, empty, tmp_path / "none")
    assert read_tls(empty, empty, empty) == Tls(empty, empty, empty)
    assert read_tls(None, None, None) is None
