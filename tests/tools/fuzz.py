"""Coverage-guided fuzzing of one parser: ``python -m tests.tools.fuzz NAME SECONDS``.

atheris (libFuzzer) grows its own corpus from the examples of ``tests.support``, kept below
``GATEHOUSE_HOME``. It ends with 0 when only refusals were raised, otherwise with a trace and the
bytes. Without a name it lists them; ``all`` gives each its SECONDS. atheris is no part of
requirements/dev: ``make fuzz`` installs it (requirements/fuzz.lock).
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import atheris

LONGEST = 64 * 1024
SLOWEST_S = 20
MEMORY_MB = 2048

with atheris.instrument_imports(
    include=["agent", "contract", "devices.capture_wire", "station", "yaml", "json"]
):
    from tests.support.file_parsers import file_parsers
    from tests.support.parsers import parsers


def corpus(name: str) -> Path:
    """The folder of a parser's inputs, with its examples in it."""
    folder = Path(os.environ.get("GATEHOUSE_HOME", ".gatehouse")) / "fuzz" / name
    folder.mkdir(parents=True, exist_ok=True)
    for seed in ALL[name].seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    return folder


def fuzz(name: str, seconds: int) -> None:
    """Feed one parser for so long; does not come back."""
    logging.disable(logging.CRITICAL)
    folder = corpus(name)
    limits = [f"-max_len={LONGEST}", f"-timeout={SLOWEST_S}", f"-rss_limit_mb={MEMORY_MB}"]
    kept = f"-artifact_prefix={folder.parent}/{name}-"
    arguments = [sys.argv[0], f"-max_total_time={seconds}", *limits, kept, str(folder)]
    atheris.Setup(arguments, ALL[name].feed)
    atheris.Fuzz()


def each(seconds: int) -> int:
    """Every parser in a process of its own; 1 when one broke."""
    broke = []
    for name in ALL:
        command = [sys.executable, "-m", "tests.tools.fuzz", name, str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = done.stderr.splitlines()
        sys.stdout.write(f"{name}: {'ok' if not done.returncode else 'BROKE'}: {lines[-1:]}\n")
        sys.stdout.flush()
        if done.returncode:
            broke.append("\n".join(lines[-40:]))
    sys.stdout.write("\n".join(broke))
    return 1 if broke else 0


ALL = {parser.name: parser for parser in (*parsers(), *file_parsers())}

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["all", seconds]:
            sys.exit(each(int(seconds)))
        case [name, seconds]:
            fuzz(name, int(seconds))
        case _:
            sys.stdout.write("\n".join(ALL) + "\n")
