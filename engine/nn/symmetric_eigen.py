"""Eigenvectors of symmetric matrices without holding the interpreter.

`scipy.linalg.eigh` holds Python's global lock while LAPACK works (80 ms for 1,000 rows, during which the window could
not move), `numpy.linalg.eigh` does not but takes twice as long. SciPy hands out its LAPACK to compiled code
(`scipy.linalg.cython_lapack`); called through ctypes the same routine runs without the lock.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def symmetric_eigen(matrix: Array) -> tuple[Array, Array]:
    """Returns eigenvalues (N,), smallest first, and eigenvectors (N, N) as columns, of a symmetric float32 (N, N).

    Raises:
        numpy.linalg.LinAlgError: the matrix holds what is no number, or the iteration does not converge.

    Source: LAPACK's SSYEVD, divide and conquer.
    """
    size = len(matrix)
    vectors = np.array(matrix, np.float32, order="F", copy=True)  # overwritten with the result
    values = np.empty(size, np.float32)
    if not size:
        return values, vectors
    works, int_works = np.zeros(1, np.float32), np.zeros(1, np.int32)
    _call(vectors, values, works, int_works, is_query=True)
    # The size comes as a single-precision number, which may have been rounded down.
    works = np.empty(int(works[0] * (1 + 1e-6)) + 1, np.float32)
    int_works = np.empty(int(int_works[0]), np.int32)
    info = _call(vectors, values, works, int_works)
    if info or not np.isfinite(values).all():
        raise np.linalg.LinAlgError("The eigenvectors of these features could not be computed.")
    return values, vectors


def _call(vectors: Array, values: Array, works: Array, int_works: NDArray[np.int32], is_query: bool = False) -> int:
    size = ctypes.c_int(len(values))
    info = ctypes.c_int(0)
    _ssyevd()(
        b"V",
        b"L",
        ctypes.byref(size),
        vectors.ctypes.data,
        ctypes.byref(size),
        values.ctypes.data,
        works.ctypes.data,
        ctypes.byref(ctypes.c_int(-1 if is_query else len(works))),
        int_works.ctypes.data,
        ctypes.byref(ctypes.c_int(-1 if is_query else len(int_works))),
        ctypes.byref(info),
    )
    return info.value


@cache
def _ssyevd() -> Any:
    """Returns LAPACK's routine as a function that ctypes calls without the lock; all arguments are pointers."""
    from scipy.linalg import cython_lapack

    capsule = cython_lapack.__pyx_capi__["ssyevd"]
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    address = get_pointer(capsule, get_name(capsule))
    return ctypes.CFUNCTYPE(None, *[ctypes.c_char_p] * 2, *[ctypes.c_void_p] * 9)(address)
