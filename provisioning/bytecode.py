"""Compiles what the core is made of, so that its service starts at once.

The unit runs the core with ``-OO``: without docstrings it holds two megabytes less, and without the
columns of each instruction (``no_debug_ranges``; tracebacks tell lines all the same) half of one.
pip writes no such bytecode, a service may not write below its installation, and compiling at every
start takes seconds on a small machine. Stale bytecode is harmless: Python looks at the time of the
source.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from agent.core.errors import CheckFailedError

WITHIN_S = 300.0
_SCRIPT = """
import importlib, json, pkgutil, py_compile, sys
import agent.app, agent.main, agent, rules
for package in (agent, rules):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.startswith(("agent.vision", "agent.main")):
            importlib.import_module(found.name)
made = refused = 0
for module in list(sys.modules.values()):
    source = getattr(module, "__file__", None) or ""
    if source.endswith(".py"):
        try:
            made += bool(py_compile.compile(source, optimize=2, doraise=True))
        except (OSError, py_compile.PyCompileError):
            refused += 1
print(json.dumps([made, refused]))
"""


def precompile(python: Path) -> tuple[int, int]:
    """Write the bytecode that *python* needs for the core; how many modules, how many not.

    CheckFailedError when the core cannot be imported there.
    """
    command = [str(python), "-OO", "-X", "no_debug_ranges", "-P", "-c", _SCRIPT]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CheckFailedError(f"{python} cannot compile the core: {error}") from error
    if done.returncode:
        raise CheckFailedError(f"{python} cannot import the core:\n{done.stderr.strip()[-600:]}")
    made, refused = json.loads(done.stdout)
    return int(made), int(refused)
