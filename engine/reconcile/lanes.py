"""Two 64-bit lanes: many values at once, each mixed under two keys that know nothing of each other.

The mixer is made as MurmurHash3's finaliser (fmix64, public domain), with other shifts and with multipliers of its own
in each lane (odd ones from fmix64 and SplitMix64). It is a bijection: two different values never meet within a lane,
and whole rows, which are sums of mixed values, meet by chance only: once in 2^128 pairs for a key that was drawn at
random.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Words: TypeAlias = npt.NDArray[np.uint64]
"""Shape (values,)."""
Lanes: TypeAlias = npt.NDArray[np.uint64]
"""Shape (2, values); additions are modulo 2^64."""

LANES = 2
_FIRST = np.array([[0xFF51AFD7ED558CCD], [0xBF58476D1CE4E5B9]], np.uint64)
_SECOND = np.array([[0xC4CEB9FE1A85EC53], [0x94D049BB133111EB]], np.uint64)
_HALF, _LESS = np.uint64(32), np.uint64(29)


@lru_cache(maxsize=8192)
def lane_keys(key: bytes, label: str) -> Lanes:
    """Keys of both lanes for one purpose, shape (2, 1). ``key``: up to 64 bytes."""
    digest = blake2b(label.encode(), key=key, digest_size=8 * LANES).digest()
    keys = np.frombuffer(digest, "<u8").reshape(LANES, 1)
    keys.flags.writeable = False
    return keys


def mixed(words: Words | Lanes, keys: Lanes) -> Lanes:
    """Each value under the keys of both lanes."""
    lanes = words ^ keys
    spare = np.empty_like(lanes)
    np.right_shift(lanes, _HALF, out=spare)
    lanes ^= spare
    lanes *= _FIRST
    np.right_shift(lanes, _LESS, out=spare)
    lanes ^= spare
    lanes *= _SECOND
    np.right_shift(lanes, _HALF, out=spare)
    lanes ^= spare
    return lanes


def place_keys(count: int, keys: Lanes) -> Lanes:
    """Keys of the first places of a sequence, shape (2, count)."""
    return mixed(np.arange(count, dtype=np.uint64), keys)


def in_order(lanes: Words | Lanes, lengths: npt.NDArray[np.int64], keys: Lanes) -> Lanes:
    """Each sequence of so many values as one; the sequences follow each other."""
    by_place = place_keys(int(lengths.max(initial=0)), keys)
    placed = mixed(lanes, by_place[:, _places(lengths)])
    total: Lanes = _sums(placed, lengths) + mixed(lengths.astype(np.uint64), ~keys)
    return total


def _sums(lanes: Lanes, lengths: npt.NDArray[np.int64]) -> Lanes:
    """The sum of each run."""
    ends = np.cumsum(lengths)
    running = np.zeros((LANES, lanes.shape[1] + 1), np.uint64)
    np.cumsum(lanes, axis=1, out=running[:, 1:])
    return running[:, ends] - running[:, ends - lengths]


def _places(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1, 2 ... within each run."""
    starts = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(starts, lengths)
