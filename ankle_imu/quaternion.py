"""Unit quaternions as (n, 4) arrays, scalar first, Hamilton product, over whole series at once.

`b_from_a` turns vectors given in frame a into frame b: `v_b = rotate(b_from_a, v_a)`, and rotations chain as
`c_from_a = multiply(c_from_b, b_from_a)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import EllipsisType

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

BLOCK = 8192
"""Long series are worked on in blocks of so many rows: what lies in between stays in the processor's cache, which
makes a rotation three times as fast."""


def multiply(p: ArrayLike, q: ArrayLike) -> Array:
    """Hamilton product p q, row by row with broadcasting.

    Parameters
    ----------
    p, q : (..., 4) float arrays, scalar first

    Returns
    -------
    (..., 4) float array

    Examples
    --------
    >>> multiply([0, 1, 0, 0], [0, 0, 1, 0]).tolist()   # i j = k
    [0.0, 0.0, 0.0, 1.0]
    """
    p = np.asarray(p, dtype=float)
    q = np.asarray(q, dtype=float)
    out = np.empty((*np.broadcast_shapes(p.shape[:-1], q.shape[:-1]), 4))
    for rows in blocks(out):
        _multiply(_rows(p, rows), _rows(q, rows), out[rows])
    return out


def _multiply(p: Array, q: Array, out: Array) -> None:
    pw, px, py, pz = p[..., 0], p[..., 1], p[..., 2], p[..., 3]
    qw, qx, qy, qz = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    out[..., 0] = pw * qw - px * qx - py * qy - pz * qz
    out[..., 1] = pw * qx + px * qw + py * qz - pz * qy
    out[..., 2] = pw * qy - px * qz + py * qw + pz * qx
    out[..., 3] = pw * qz + px * qy - py * qx + pz * qw


def blocks(out: Array) -> Iterator[slice | EllipsisType]:
    """Row blocks of a series (n, k); everything at once where that is short or of another shape."""
    if out.ndim != 2 or len(out) <= BLOCK:
        yield ...
        return
    for start in range(0, len(out), BLOCK):
        yield slice(start, start + BLOCK)


def _rows(values: Array, rows: slice | EllipsisType) -> Array:
    """These rows of a series; a single vector or row, which is broadcast, stays whole."""
    return values if values.ndim == 1 or len(values) == 1 else np.asarray(values[rows])


def conjugate(q: ArrayLike) -> Array:
    """Inverse rotation of unit quaternions (..., 4)."""
    return np.asarray(np.asarray(q, dtype=float) * np.array([1.0, -1.0, -1.0, -1.0]))


def normalize(q: ArrayLike) -> Array:
    """Quaternions (..., 4) scaled to length one."""
    q = np.asarray(q, dtype=float)
    return np.asarray(q / np.linalg.norm(q, axis=-1, keepdims=True))


def squared_length(v: ArrayLike) -> Array:
    """Squared length of vectors (n, k), (n,); several times faster than a sum over the short axis."""
    v = np.asarray(v, dtype=float)
    return np.asarray(np.einsum("ij,ij->i", v, v))


def length(v: ArrayLike) -> Array:
    """Length of vectors (n, k), (n,)."""
    return np.asarray(np.sqrt(squared_length(v)))


def rotate(q: ArrayLike, v: ArrayLike) -> Array:
    """Vectors v (..., 3) of frame a in frame b, for q = b_from_a (..., 4)."""
    q = np.asarray(q, dtype=float)
    v = np.asarray(v, dtype=float)
    out = np.empty((*np.broadcast_shapes(q.shape[:-1], v.shape[:-1]), 3))
    for rows in blocks(out):
        _rotate(_rows(q, rows), _rows(v, rows), out[rows])
    return out


def _rotate(q: Array, v: Array, out: Array) -> None:
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    vx, vy, vz = v[..., 0], v[..., 1], v[..., 2]
    tx = 2.0 * (y * vz - z * vy)
    ty = 2.0 * (z * vx - x * vz)
    tz = 2.0 * (x * vy - y * vx)
    out[..., 0] = vx + w * tx + y * tz - z * ty
    out[..., 1] = vy + w * ty + z * tx - x * tz
    out[..., 2] = vz + w * tz + x * ty - y * tx


def from_rotation_vector(rotation_vector: ArrayLike) -> Array:
    """Exponential map: rotation vectors (..., 3), rad, to unit quaternions (..., 4)."""
    r = np.asarray(rotation_vector, dtype=float)
    out = np.empty((*r.shape[:-1], 4))
    for rows in blocks(out):
        _from_rotation_vector(r[rows], out[rows])
    return out


def _from_rotation_vector(r: Array, out: Array) -> None:
    half = 0.5 * np.sqrt(r[..., 0] ** 2 + r[..., 1] ** 2 + r[..., 2] ** 2)
    out[..., 0] = np.cos(half)
    out[..., 1:] = (0.5 * np.sinc(half / np.pi))[..., None] * r


def to_rotation_vector(q: ArrayLike) -> Array:
    """Logarithm: unit quaternions (..., 4) to the shortest rotation vectors (..., 3), rad."""
    q = np.asarray(q, dtype=float)
    q = np.where(q[..., :1] < 0.0, -q, q)
    length = np.sqrt((q[..., 1:] ** 2).sum(axis=-1))
    angle = 2.0 * np.arctan2(length, q[..., 0])
    factor = np.where(length > 1e-12, angle / np.maximum(length, 1e-300), 2.0)
    return np.asarray(factor[..., None] * q[..., 1:])


def about_z(angle: ArrayLike) -> Array:
    """Rotation by `angle` (...), rad, about the z axis, as quaternions (..., 4)."""
    half = 0.5 * np.asarray(angle, dtype=float)
    out = np.zeros((*half.shape, 4))
    out[..., 0] = np.cos(half)
    out[..., 3] = np.sin(half)
    return out


def turn_about_z(angle: ArrayLike, q: ArrayLike) -> Array:
    """The product about_z(angle) q for angles (n,), rad, and quaternions (n, 4), in half the operations."""
    q = np.asarray(q, dtype=float)
    angle = np.asarray(angle, dtype=float)
    out = np.empty_like(q)
    for rows in blocks(out):
        _turn_about_z(angle[rows], q[rows], out[rows])
    return out


def _turn_about_z(angle: Array, q: Array, out: Array) -> None:
    half = 0.5 * angle
    c, s = np.cos(half), np.sin(half)
    out[:, 0] = c * q[:, 0] - s * q[:, 3]
    out[:, 1] = c * q[:, 1] - s * q[:, 2]
    out[:, 2] = c * q[:, 2] + s * q[:, 1]
    out[:, 3] = c * q[:, 3] + s * q[:, 0]


def between(left: ArrayLike, q: ArrayLike, right: ArrayLike) -> Array:
    """The product left q right for single quaternions left, right (4,) and a series q (n, 4).

    Examples
    --------
    >>> bool(np.allclose(between([0, 1, 0, 0], [[1.0, 0, 0, 0]], [0, 0, 1, 0]), [[0, 0, 0, 1]]))
    True
    """
    unit = np.eye(4)
    return np.asarray(np.asarray(q, dtype=float) @ multiply(multiply(left, unit), right))


def to_matrix(q: ArrayLike) -> Array:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4); rows are the axes of frame b seen in a."""
    q = np.asarray(q, dtype=float)
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    out = np.empty((*q.shape[:-1], 3, 3))
    out[..., 0, 0] = 1.0 - 2.0 * (y * y + z * z)
    out[..., 0, 1] = 2.0 * (x * y - w * z)
    out[..., 0, 2] = 2.0 * (x * z + w * y)
    out[..., 1, 0] = 2.0 * (x * y + w * z)
    out[..., 1, 1] = 1.0 - 2.0 * (x * x + z * z)
    out[..., 1, 2] = 2.0 * (y * z - w * x)
    out[..., 2, 0] = 2.0 * (x * z - w * y)
    out[..., 2, 1] = 2.0 * (y * z + w * x)
    out[..., 2, 2] = 1.0 - 2.0 * (x * x + y * y)
    return out


def from_matrix(matrix: ArrayLike) -> Array:
    """Unit quaternions (..., 4), w >= 0, of rotation matrices (..., 3, 3).

    Notes
    -----
    The largest of the four components is taken from the diagonal and the others from it, which is stable for
    every rotation.

    References
    ----------
    Shepperd S. W. (1978) Quaternion from rotation matrix, J. Guidance and Control 1(3):223-224,
    doi:10.2514/3.55767b.
    """
    m = np.asarray(matrix, dtype=float)
    d0, d1, d2 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squares = np.stack([1 + d0 + d1 + d2, 1 + d0 - d1 - d2, 1 - d0 + d1 - d2, 1 - d0 - d1 + d2], axis=-1)
    a = m[..., 2, 1] - m[..., 1, 2]
    b = m[..., 0, 2] - m[..., 2, 0]
    c = m[..., 1, 0] - m[..., 0, 1]
    d = m[..., 1, 0] + m[..., 0, 1]
    e = m[..., 0, 2] + m[..., 2, 0]
    f = m[..., 2, 1] + m[..., 1, 2]
    rows = np.stack(
        [
            np.stack([squares[..., 0], a, b, c], axis=-1),
            np.stack([a, squares[..., 1], d, e], axis=-1),
            np.stack([b, d, squares[..., 2], f], axis=-1),
            np.stack([c, e, f, squares[..., 3]], axis=-1),
        ],
        axis=-2,
    )
    best = squares.argmax(axis=-1)
    q = normalize(np.take_along_axis(rows, best[..., None, None], axis=-2)[..., 0, :])
    return np.where(q[..., :1] < 0.0, -q, q)
