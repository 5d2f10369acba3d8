"""Decimal128 values become a decimal(38, 10) column, all at once.

Source: the BSON specification of Decimal128 (binary integer decimal): 16 bytes, little end first; sign, then 14 bits
of exponent (bias 6176), then a coefficient of 113 bits. Both sides are two words of 64 bits, the lower one first.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.decode.bson_bytes import Mask

_SCALE, _BIAS = 10, 6176
_MOST_ZEROS = 19
"""The largest power of ten that fits 64 bits: times a coefficient below 2^63 it stays below 10^38."""
_POWERS = np.array([10**zeros for zeros in range(_MOST_ZEROS + 1)], np.uint64)
_HIGH_BITS, _EXPONENT_MASK = np.uint64((1 << 49) - 1), np.uint64((1 << 14) - 1)
_EXPONENT_SHIFT, _SIGN_SHIFT, _HALF = np.uint64(49), np.uint64(63), np.uint64(32)
_LOW_HALF = np.uint64(0xFFFF_FFFF)
_ZERO, _ONE, _TEN = np.uint64(0), np.uint64(1), np.uint64(10)

Words: TypeAlias = NDArray[np.uint64]


def decimals(bid: Words) -> tuple[Words, Mask]:
    """Values as two words each, (n, 2), and which of them need another look.

    Those are all that the column does not hold, or not with its own zeros (see ``scalars.hold``), and large ones.
    """
    coefficient, high = bid[:, 0], bid[:, 1]
    exponent = ((high >> _EXPONENT_SHIFT) & _EXPONENT_MASK).astype(np.int64) - _BIAS
    is_negative = (high >> _SIGN_SHIFT) != 0
    has_zeros = (exponent != 0) & (coefficient % _TEN == 0)
    odd: Mask = (high & _HIGH_BITS) != 0
    odd |= (coefficient >> _SIGN_SHIFT) != 0
    odd |= (exponent < -_SCALE) | (exponent > 0) | has_zeros | (is_negative & (coefficient == 0))
    zeros = np.where(odd, 0, exponent + _SCALE)
    low, top = _product(coefficient, _POWERS[zeros])
    return np.stack(_negated(low, top, is_negative), axis=1), odd


def _product(left: Words, right: Words) -> tuple[Words, Words]:
    """128 bits of 64 times 64, the lower word first."""
    left_low, left_high = left & _LOW_HALF, left >> _HALF
    right_low, right_high = right & _LOW_HALF, right >> _HALF
    lowest, cross = left_low * right_low, left_high * right_low
    middle = (lowest >> _HALF) + (cross & _LOW_HALF) + left_low * right_high
    top = left_high * right_high + (cross >> _HALF) + (middle >> _HALF)
    return (middle << _HALF) | (lowest & _LOW_HALF), top


def _negated(low: Words, top: Words, where: Mask) -> tuple[Words, Words]:
    """Two's complement of some of the numbers."""
    if not where.any():
        return low, top
    carried = ~top + np.where(low == _ZERO, _ONE, _ZERO)
    return np.where(where, ~low + _ONE, low), np.where(where, carried, top)
