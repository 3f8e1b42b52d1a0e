"""Our reader of input devices against the kernel's own headers: layout, numbers, codes of keys."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from devices import keying
from devices.readers import EVIOCGRAB

HEADER = Path("/usr/include/linux/input-event-codes.h")
COMPILER = shutil.which("cc")
PROGRAM = """
#include <stddef.h>
#include <stdio.h>
#include <linux/input.h>
int main(void) {
    struct input_event e;
    printf("%zu %zu %zu %zu %lu", sizeof e, offsetof(struct input_event, type),
           offsetof(struct input_event, code), offsetof(struct input_event, value),
           (unsigned long) EVIOCGRAB);
    return 0;
}
"""
needs_headers = pytest.mark.skipif(not HEADER.exists(), reason=f"{HEADER} is not here")


def codes() -> dict[str, int]:
    """Every code of the header that is a plain number."""
    pattern = re.compile(r"^#define\s+(\w+)\s+(0x[0-9a-f]+|\d+)\b", re.MULTILINE | re.IGNORECASE)
    return {name: int(number, 0) for name, number in pattern.findall(HEADER.read_text("utf-8"))}


def test_the_number_of_the_grab_is_made_as_the_kernel_makes_it() -> None:
    write, size, group, number = 1, struct.calcsize("i"), ord("E"), 0x90
    assert write << 30 | size << 16 | group << 8 | number == EVIOCGRAB


def test_an_event_is_as_long_as_this_machines_longs_make_it() -> None:
    long_bytes = struct.calcsize("@l")
    assert struct.calcsize("@llHHi") == keying.EVENT.size == 2 * long_bytes + 8
    packed = keying.EVENT.pack(1, 2, keying.EV_KEY, 28, 1)
    assert struct.unpack_from("=HHi", packed, 2 * long_bytes) == (keying.EV_KEY, 28, 1)


@needs_headers
@pytest.mark.skipif(COMPILER is None, reason="no C compiler is here")
def test_layout_and_number_are_those_of_the_c_compiler(tmp_path: Path) -> None:
    source, program = tmp_path / "event.c", tmp_path / "event"
    source.write_text(PROGRAM, "utf-8")
    subprocess.run([str(COMPILER), "-o", program, source], check=True, timeout=60)
    done = subprocess.run([program], check=True, timeout=60, capture_output=True, text=True)
    size, kind, code, value, grab = map(int, done.stdout.split())
    long_bytes = struct.calcsize("@l")
    assert (size, grab) == (keying.EVENT.size, EVIOCGRAB)
    assert (kind, code, value) == (2 * long_bytes, 2 * long_bytes + 2, 2 * long_bytes + 4)


@needs_headers
def test_every_key_is_the_kernels() -> None:
    known = codes()
    for code, letter in keying.KEYS.items():
        names = {f"KEY_{letter}", f"KEY_KP{letter}"}
        assert code in {known[name] for name in names if name in known}, letter
    assert {known["KEY_ENTER"], known["KEY_KPENTER"]} == keying.ENTER
    cleared = ("KEY_ESC", "KEY_BACKSPACE", "KEY_DELETE")
    assert {known[name] for name in cleared} == keying.CLEAR
    starred = ("KEY_KPASTERISK", "KEY_MINUS", "KEY_KPMINUS")
    assert {known[name] for name in starred} == keying.STAR


@needs_headers
def test_every_type_is_the_kernels() -> None:
    known = codes()
    assert (known["EV_SYN"], known["EV_KEY"]) == (keying.EV_SYN, keying.EV_KEY)
    assert known["SYN_REPORT"] == keying.SYN_REPORT
    assert known["SYN_DROPPED"] == keying.SYN_DROPPED
