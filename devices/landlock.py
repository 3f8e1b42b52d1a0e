"""What a capture child may still reach on the disk and the network (Landlock, landlock(7)).

After this the child reads only what opening its camera takes, writes nothing, connects over TCP to
the camera's port and no other, and cannot look into or signal another process. Kernels without
Landlock, or with an older one, hold less; what held is told. Here: the three system calls, whose
numbers are the same on every machine. Not here: which paths (``devices.confine``).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH, _NET_PORT = 1, 2
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_CONNECT_TCP = 1 << 1
_FIRST_FS = (1 << 13) - 1
_LATER_FS = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # refer, truncate, ioctl on devices
_NETWORK_SINCE, _BIND_AND_CONNECT = 4, 0b11
_SCOPES_SINCE, _SOCKETS_AND_SIGNALS = 6, 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    _fields_ = (("allowed_access", ctypes.c_uint64), ("port", ctypes.c_uint64))


def restrict(readable: Iterable[Path], ports: Iterable[int]) -> bool:
    """Allow reading *readable* and connecting to TCP *ports*, nothing else, for good.

    Paths that do not exist are left out. False where the kernel has no Landlock. Needs
    PR_SET_NO_NEW_PRIVS.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG)
    if version < 1:
        return False
    rules = _Ruleset(_FIRST_FS, 0, 0)
    for since, right in _LATER_FS.items():
        rules.handled_access_fs |= right if version >= since else 0
    size = 8
    if version >= _NETWORK_SINCE:
        rules.handled_access_net, size = _BIND_AND_CONNECT, 16
    if version >= _SCOPES_SINCE:
        rules.scoped, size = _SOCKETS_AND_SIGNALS, 24
    ruleset = libc.syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    try:
        allowed = all(_allow_path(libc, ruleset, path) for path in readable)
        if rules.handled_access_net:
            allowed = allowed and all(_allow_port(libc, ruleset, port) for port in ports)
        return bool(allowed and libc.syscall(_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow_path(libc: ctypes.CDLL, ruleset: int, path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        rights = _READ_FILE | (_READ_DIR if path.is_dir() else 0)
        rule = _PathBeneath(rights, descriptor)
        return bool(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0) == 0)
    finally:
        os.close(descriptor)


def _allow_port(libc: ctypes.CDLL, ruleset: int, port: int) -> bool:
    rule = _NetPort(_CONNECT_TCP, port)
    return bool(libc.syscall(_ADD_RULE, ruleset, _NET_PORT, ctypes.byref(rule), 0) == 0)
