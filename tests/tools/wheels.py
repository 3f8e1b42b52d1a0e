"""Small wheels, made as PEP 427 says, for tests that install with the real pip."""

from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

_WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_wheel(folder: Path, name: str, version: str, code: str) -> Path:
    """A wheel of one module called *name*."""
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": _WHEEL,
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with ZipFile(path, "w", ZIP_STORED) as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


def sha256_of(path: Path) -> str:
    """As a lock names it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
