"""The socket between core and vision, over a real socket pair."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.border.channel import (
    MAX_DATAGRAM,
    Channel,
    ChannelClosedError,
    ChannelFullError,
    Packet,
    connect,
    listen,
)
from agent.border.messages import BorderError

Pair = tuple[Channel, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """One end as a channel, the other as a raw socket that may misbehave."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    channel = Channel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def send_until_full(channel: Channel) -> int:
    sent = 0
    with contextlib.suppress(ChannelFullError):
        while True:
            channel.send(b"%06d" % sent + b"x" * 4000, b"beside" if sent % 2 else b"")
            sent += 1
    return sent


def send_with(theirs: socket.socket, *descriptors: int) -> None:
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
    theirs.sendmsg([b"x"], [rights])


def test_messages_arrive_one_by_one_with_their_borders(pair: Pair) -> None:
    channel, theirs = pair
    theirs.send(b"one")
    theirs.send(b"two")
    assert [channel.receive(), channel.receive()] == [Packet(b"one"), Packet(b"two")]
    assert channel.receive() is None


def test_what_is_too_large_for_a_datagram_travels_beside_it(pair: Pair) -> None:
    channel, theirs = pair
    before = open_descriptors()
    photos = bytes(range(256)) * 4096
    other = Channel(theirs)
    other.send(b"{}", photos)
    assert channel.receive() == Packet(b"{}", photos)
    assert open_descriptors() == before


def test_what_travels_beside_a_message_cannot_be_changed_any_more(pair: Pair) -> None:
    channel, theirs = pair
    channel.send(b"{}", b"template")
    _, ancillary, _, _ = theirs.recvmsg(100, socket.CMSG_SPACE(4))
    (descriptor,) = array.array("i", ancillary[0][2])
    try:
        with pytest.raises(PermissionError):
            os.pwrite(descriptor, b"X", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("seals", [0, fcntl.F_SEAL_WRITE, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW])
def test_a_memory_file_that_is_not_sealed_is_refused(pair: Pair, seals: int) -> None:
    channel, theirs = pair
    before = open_descriptors()
    descriptor = os.memfd_create("loose", os.MFD_ALLOW_SEALING)
    os.write(descriptor, b"x")
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    send_with(theirs, descriptor)
    os.close(descriptor)
    with pytest.raises(BorderError, match="not sealed"):
        channel.receive()
    assert open_descriptors() == before


def test_a_real_file_beside_a_message_is_refused(pair: Pair, tmp_path: Path) -> None:
    channel, theirs = pair
    with (tmp_path / "secret").open("wb") as file:
        send_with(theirs, file.fileno())
    with pytest.raises(BorderError, match="no memory file"):
        channel.receive()


def test_an_empty_memory_file_is_refused(pair: Pair) -> None:
    channel, theirs = pair
    descriptor = os.memfd_create("empty", os.MFD_ALLOW_SEALING)
    every = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, every)
    send_with(theirs, descriptor)
    os.close(descriptor)
    with pytest.raises(BorderError, match="has 0 bytes"):
        channel.receive()


def test_more_files_than_agreed_are_refused_and_none_stays_open(pair: Pair) -> None:
    channel, theirs = pair
    before = open_descriptors()
    descriptors = [os.memfd_create("m") for _ in range(8)]
    send_with(theirs, *descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    with pytest.raises(BorderError):
        channel.receive()
    assert open_descriptors() == before


def test_a_message_that_is_too_long_is_refused_not_cut(pair: Pair) -> None:
    channel, theirs = pair
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MAX_DATAGRAM)
    theirs.send(b"x" * MAX_DATAGRAM)
    theirs.send(b"x" * (MAX_DATAGRAM + 1))
    packet = channel.receive()
    assert packet is not None
    assert len(packet.data) == MAX_DATAGRAM
    with pytest.raises(BorderError, match="longer than"):
        channel.receive()


def test_a_message_that_is_too_long_is_not_sent(pair: Pair) -> None:
    channel, theirs = pair
    with pytest.raises(BorderError, match="longer than"):
        channel.send(b"x" * (MAX_DATAGRAM + 1))
    with pytest.raises(BlockingIOError):
        theirs.recv(10)


def test_a_reader_that_sleeps_does_not_hold_up_the_sender(pair: Pair) -> None:
    channel, theirs = pair
    before = open_descriptors()
    sent = send_until_full(channel)
    assert sent > 0
    assert theirs.recv(10_000).startswith(b"000000")
    for number in range(1, sent):
        assert theirs.recv(10_000).startswith(b"%06d" % number)
    channel.send(b"again")
    assert theirs.recv(100) == b"again"
    assert open_descriptors() == before


def test_the_end_of_the_other_program_is_told_both_ways(pair: Pair) -> None:
    channel, theirs = pair
    theirs.send(b"last words")
    theirs.close()
    assert channel.receive() == Packet(b"last words")
    with pytest.raises(ChannelClosedError):
        channel.receive()
    with pytest.raises(ChannelClosedError):
        channel.send(b"anybody?")


def test_the_last_word_of_one_who_left_without_listening_is_heard(pair: Pair) -> None:
    """Linux reports a reset before what was said, when the other end left something unread."""
    mine, other = pair
    mine.send(b"never read")
    other.send(b"last word")
    other.close()
    packet = mine.receive()
    assert packet is not None
    assert packet.data == b"last word"
    with pytest.raises(ChannelClosedError):
        mine.receive()


def test_a_listener_takes_the_place_of_one_that_died(tmp_path: Path) -> None:
    path = tmp_path / "vision.sock"
    listen(path).close()
    assert path.exists()
    with listen(path) as listener:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        channel = connect(path)
        accepted, _ = listener.accept()
        with accepted:
            channel.send(b"hello")
            assert accepted.recv(100) == b"hello"
        channel.close()


def test_nobody_is_reached_where_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        connect(tmp_path / "none.sock")
    path = tmp_path / "dead.sock"
    listen(path).close()
    with pytest.raises(ConnectionRefusedError):
        connect(path)


def test_a_group_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="there is no group 'no-such-group'"):
        listen(tmp_path / "vision.sock", "no-such-group")
