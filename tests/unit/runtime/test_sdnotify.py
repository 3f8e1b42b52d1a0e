"""Words to systemd, over a socket of our own in its place."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.runtime.sdnotify import Notifier, watchdog_interval_s


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def test_the_words_are_systemds(systemd: socket.socket) -> None:
    notifier = Notifier(systemd.getsockname())
    notifier.ready("panic live")
    notifier.status("link down")
    notifier.alive()
    notifier.stopping()
    assert [systemd.recv(100) for _ in range(4)] == [
        b"READY=1\nSTATUS=panic live",
        b"STATUS=link down",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]


def test_an_abstract_socket_is_reached_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0gatehouse-test-notify")
        listening.settimeout(5)
        Notifier("@gatehouse-test-notify").alive()
        assert listening.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nonexistent/notify"])
def test_without_systemd_nothing_happens(address: str) -> None:
    Notifier(address).ready("panic live")


def test_a_systemd_that_does_not_read_is_not_waited_for(systemd: socket.socket) -> None:
    notifier = Notifier(systemd.getsockname())
    for _ in range(2000):
        notifier.alive()


def test_the_address_comes_from_the_environment(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
    Notifier().alive()
    assert systemd.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("value", "interval_s"),
    [("30000000", 15.0), ("0", None), ("-5", None), ("soon", None), (None, None)],
)
def test_half_of_what_systemd_allows(
    monkeypatch: pytest.MonkeyPatch, value: str | None, interval_s: float | None
) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if value is not None:
        monkeypatch.setenv("WATCHDOG_USEC", value)
    assert watchdog_interval_s() == interval_s
