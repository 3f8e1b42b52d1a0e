"""System calls that a capture child has no business with, refused by the kernel (seccomp).

A decoder that a hostile camera took over can then start no program, make no process, open no file
for writing, take no part in another process and listen on nothing. A list of what is refused, not
of what is allowed: libraries and kernels differ from gate to gate, and a camera that dies of an
unexpected harmless call would be worse. Here: the filter program (seccomp(2), BPF) and loading it.
Numbers are from the kernel's tables for x86_64 and arm64; elsewhere nothing is loaded.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True, slots=True)
class _Arch:
    """Numbers of one machine. ``open`` is None where only openat exists."""

    audit: int
    clone: int
    openat: int
    open: int | None
    tgkill: int
    socket: int
    refused: tuple[int, ...]


_UNKNOWN_CALLS = (435, 437)  # clone3 openat2: "not implemented", so libraries take the older one
_SAME_EVERYWHERE = (425, 424, 434, 438)  # io_uring_setup pidfd_send_signal pidfd_open pidfd_getfd
_X86_64 = (
    *(59, 322, 57, 58),  # execve execveat fork vfork
    *(101, 310, 311, 62, 200),  # ptrace process_vm_readv process_vm_writev kill tkill
    *(50, 43, 288),  # listen accept accept4
    *(165, 166, 272, 308, 161, 155),  # mount umount2 unshare setns chroot pivot_root
    *(321, 298, 250, 248, 249, 323, 319),  # bpf perf_event keyctl add_key request_key uffd memfd
    *(87, 263, 82, 264, 316, 86, 265, 88, 266),  # unlink[at] rename[at[2]] link[at] symlink[at]
    *(83, 258, 84, 133, 259),  # mkdir mkdirat rmdir mknod mknodat
    *(76, 85, 304),  # truncate creat open_by_handle_at
    *(90, 91, 268, 92, 93, 94, 260),  # chmod fchmod fchmodat chown fchown lchown fchownat
    *(313, 175, 246, 169, 167),  # finit_module init_module kexec_load reboot swapon
)
_ARM64 = (  # the same, as far as they exist there
    *(221, 281),
    *(117, 270, 271, 129, 130),
    *(201, 202, 242),
    *(40, 39, 97, 268, 51, 41),
    *(280, 241, 219, 217, 218, 282, 279),
    *(35, 38, 276, 37, 36),
    *(34, 33, 45, 265),
    *(52, 53, 54, 55),
    *(273, 105, 104, 142, 224),
)
_ARCHES = {
    "x86_64": _Arch(0xC000003E, 56, 257, 2, 234, 41, _X86_64 + _SAME_EVERYWHERE),
    "aarch64": _Arch(0xC00000B7, 220, 56, None, 131, 198, _ARM64 + _SAME_EVERYWHERE),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def load_filter(*, network: bool, writing: bool) -> bool:
    """Refuse the calls from now on, for good; False where this machine or kernel cannot.

    *network*: new sockets may be made; *writing*: files may be opened for writing (a V4L2 device
    has to be). Needs PR_SET_NO_NEW_PRIVS.
    """
    arch = _ARCHES.get(platform.machine())
    if arch is None:
        return False
    code = b"".join(_program(arch, network=network, writing=writing))
    holder = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(holder))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _program(arch: _Arch, *, network: bool, writing: bool) -> list[bytes]:
    refuse = _step(_RETURN, _ERRNO | errno.EPERM)
    code = [
        _step(_LOAD, _ARCH_AT),
        _step(_JUMP_EQUAL, arch.audit, yes=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
        _step(_JUMP_ABOVE, _X32_BIT, no=1),
        refuse,
    ]
    for number in arch.refused if network else (*arch.refused, arch.socket):
        code += [_step(_JUMP_EQUAL, number, no=1), refuse]
    for number in _UNKNOWN_CALLS:
        code += [_step(_JUMP_EQUAL, number, no=1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    code += _unless(arch.clone, 0, _step(_JUMP_SET, _CLONE_THREAD, yes=1))
    code += _unless(arch.tgkill, 0, _step(_JUMP_EQUAL, os.getpid(), yes=1))
    if not writing:
        code += _unless(arch.openat, 2, _step(_JUMP_SET, _WRITING, no=1))
        if arch.open is not None:
            code += _unless(arch.open, 1, _step(_JUMP_SET, _WRITING, no=1))
    return [*code, _step(_RETURN, _ALLOW)]


def _unless(number: int, argument: int, test: bytes) -> list[bytes]:
    """Refuse call *number* unless *test* of the low half of an argument jumps over the refusal."""
    return [
        _step(_JUMP_EQUAL, number, no=4),
        _step(_LOAD, _ARGUMENTS_AT + 8 * argument),
        test,
        _step(_RETURN, _ERRNO | errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """One BPF instruction; *yes* and *no* are how many instructions a test jumps over."""
    return struct.pack("<HBBI", code, yes, no, value)
