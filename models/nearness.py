"""How near templates are to probes, as fast as the matrix can be read. Here: products alone.

Not here: whose templates they are (``models.gallery``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
# Rows compared at once: half a megabyte, which the second cache of small machines holds, so that
# several probes read the matrix from memory once.
_BLOCK = 1024
# Squares of distances are taken from products, which is as fast as the matrix can be read. That
# loses digits where two vectors are nearly equal; below this share of their own squares the
# distance is computed again from the difference.
_NEARLY_EQUAL = 0.01


def products(rows: Rows, probes: Rows) -> Rows:
    """(k, n): the product of every probe with every row."""
    found = np.empty((len(probes), len(rows)), np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        for one, probe in zip(found, probes, strict=True):
            np.dot(block, probe, out=one[start : start + _BLOCK])
    return found


def negative_squares(products: Rows, rows: Rows, squares: Rows, probe: Rows) -> None:
    """Turn *products* of a probe into its squared distances, negative, in place."""
    own = np.float32(probe @ probe)
    products *= np.float32(2)
    products -= squares
    products -= own
    close = np.flatnonzero(products > np.float32(-_NEARLY_EQUAL) * (squares + own))
    for start in range(0, len(close), _BLOCK):
        part = close[start : start + _BLOCK]
        apart = rows[part] - probe
        products[part] = -np.einsum("ij,ij->i", apart, apart)


def unit(rows: Rows) -> Rows:
    """Rows of length 1."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / np.maximum(lengths, 1e-12), np.float32)
