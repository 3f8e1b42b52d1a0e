"""The site's transform: templates are turned by a secret orthogonal matrix before anything else.

A list that is stolen from one site cannot be compared with another site's, nor with a face; a new
seed makes what was stolen worthless (ISO/IEC 24745: unlinkable, renewable, revocable). Lengths and
angles stay as they are, so scores do. Here: the matrix and its use. Not here: keeping the seed
(``agent.files.transforms``).
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np
import numpy.typing as npt

from agent.core.errors import PackError

MOST_DIM = 1024
_LABEL = b"gatehouse template transform 1"
_Float32s = npt.NDArray[np.float32]


@functools.lru_cache(maxsize=4)
def matrix_of(seed: bytes, dim: int) -> npt.NDArray[np.float64]:
    """(dim, dim) orthogonal, uniform over all of them (Mezzadri 2007), the same on each machine.

    QR of standard normals (Box-Muller) from SHAKE-256 over label, *dim* and *seed*.
    """
    if not 1 <= dim <= MOST_DIM:
        raise PackError(f"templates of {dim} values are not transformed (1 to {MOST_DIM})")
    cells = dim * dim
    stream = hashlib.shake_256(_LABEL + dim.to_bytes(2, "big") + seed).digest(16 * cells)
    uniform = ((np.frombuffer(stream, "<u8") >> np.uint64(11)) + 0.5) / 2.0**53
    length = np.sqrt(-2.0 * np.log(uniform[:cells]))
    normals = length * np.cos(2.0 * np.pi * uniform[cells:])
    q, r = np.linalg.qr(normals.reshape(dim, dim))
    turned: npt.NDArray[np.float64] = q * np.sign(np.diag(r))
    turned.flags.writeable = False
    return turned


class SiteTransform:
    """One site's transform, for templates of any length."""

    def __init__(self, transform_id: str, seed: bytes) -> None:
        self.id = transform_id
        self._seed = seed

    def apply(self, rows: _Float32s) -> _Float32s:
        """Templates (n, dim) or (dim,) as they may be kept and compared."""
        turned = rows @ matrix_of(self._seed, rows.shape[-1]).T
        made = np.ascontiguousarray(turned, np.float32)
        turned.fill(0)
        return made

    def undo(self, rows: _Float32s) -> _Float32s:
        """What ``apply`` was given."""
        return np.ascontiguousarray(rows @ matrix_of(self._seed, rows.shape[-1]), np.float32)
