"""The socket between the core and the vision program: datagrams, with memory files beside them.

Unix SOCK_SEQPACKET keeps message borders; what is larger than a datagram travels as a sealed
memfd, so it never has a name on a disk. Both ends are non-blocking; neither may block the other.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import grp
import mmap
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from agent.border.messages import BorderError

MAX_DATAGRAM = 64 * 1024
MAX_BESIDE = 256 * 1024 * 1024
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


@dataclass(frozen=True, slots=True)
class Packet:
    """One datagram, and the bytes that came beside it (empty when none)."""

    data: bytes
    beside: bytes = b""


class ChannelClosedError(BorderError):
    """The other program hung up."""


class ChannelFullError(BorderError):
    """The other program does not read; the message was not sent."""


class Channel:
    """One end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock

    def fileno(self) -> int:
        """For select and for an event loop."""
        return self._socket.fileno()

    def send(self, data: bytes, beside: bytes = b"") -> None:
        """Send one message; raises ChannelFullError at once when the other end does not read."""
        if len(data) > MAX_DATAGRAM:
            raise BorderError(f"a message of {len(data)} bytes is longer than {MAX_DATAGRAM}")
        try:
            if beside:
                descriptor = _memory_file(beside)
                try:
                    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))
                    self._socket.sendmsg([data], [rights])
                finally:
                    os.close(descriptor)
            else:
                self._socket.send(data)
        except BlockingIOError as error:
            raise ChannelFullError("the other program does not read") from error
        except OSError as error:
            raise ChannelClosedError(f"the other program hung up: {error}") from error

    def receive(self) -> Packet | None:
        """The next message, None when there is none now; raises ChannelClosedError at the end."""
        try:
            data, ancillary, flags, _ = self._recvmsg()
        except BlockingIOError:
            return None
        except OSError as error:
            raise ChannelClosedError(f"the other program hung up: {error}") from error
        descriptors = _descriptors(ancillary)
        try:
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                raise BorderError(f"a message is longer than {MAX_DATAGRAM} bytes")
            if not data and not descriptors:
                raise ChannelClosedError("the other program hung up")
            return Packet(data, _read_memory_file(descriptors[0]) if descriptors else b"")
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _recvmsg(self) -> tuple[bytes, list[tuple[int, int, bytes]], int, object]:
        """One message. Linux tells, before its last words, that the other end left ours unread."""
        what = MAX_DATAGRAM, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC
        try:
            return self._socket.recvmsg(*what)
        except ConnectionResetError:
            return self._socket.recvmsg(*what)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def listen(path: Path, group: str | None = None) -> socket.socket:
    """A listening socket at *path*, mode 0660; an old one left by a dead process is replaced.

    *group* is the Unix group that may connect (None: our own). OSError when it cannot be made.
    """
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.bind(str(path))
        path.chmod(0o660)
        if group is not None:
            _let_in(path, _group_id(group))
        sock.listen(2)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _let_in(path: Path, group: int) -> None:
    """Hand *path* to *group*; where systemd's filter forbids every chown, by an access list.

    The list is that of acl(5) as the kernel takes it: version, then tag, permissions and id each.
    """
    try:
        os.chown(path, -1, group)
    except PermissionError:
        owner, own_group, named_group, mask, other = 0x01, 0x04, 0x08, 0x10, 0x20
        rules = [(owner, 6, -1), (own_group, 0, -1), (named_group, 6, group), (mask, 6, -1)]
        made = b"".join(struct.pack("<HHi", *rule) for rule in (*rules, (other, 0, -1)))
        os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + made)


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise OSError(f"there is no group '{name}'") from error


def connect(path: Path) -> Channel:
    """Connect to the core at *path*; OSError when it does not listen."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(str(path))
    except OSError:
        sock.close()
        raise
    return Channel(sock)


def _memory_file(data: bytes) -> int:
    descriptor = os.memfd_create("gatehouse", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)


def _read_memory_file(descriptor: int) -> bytes:
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError as error:
        raise BorderError("what came beside a message is no memory file") from error
    if seals & _SEALS != _SEALS:
        raise BorderError("what came beside a message is not sealed")
    size = os.fstat(descriptor).st_size
    if not 0 < size <= MAX_BESIDE:
        raise BorderError(f"what came beside a message has {size} bytes")
    with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as view:
        return bytes(view)
