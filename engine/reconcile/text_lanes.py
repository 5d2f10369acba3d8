"""A column of texts (or bytes) as two lanes a row: words of eight bytes, then the length, each mixed under its place.

Two ways to the same lanes. Where all texts of a column are short, the words of one place are mixed together: all under
one key. Else the words of all places are laid out in a row first, which costs more for a word, but takes no step for
each place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.reconcile.lanes import Lanes, Words, in_order, mixed, place_keys

_WORD_BYTES = 8
_SHORT_BYTES = 127
_MASKS = np.array([(1 << 8 * length) - 1 for length in range(_WORD_BYTES + 1)], np.uint64)
"""By how many bytes of a word are a text's own."""
_Numbers = npt.NDArray[np.int64]


def text_lanes(array: pa.Array, keys: Lanes) -> Lanes:
    """The lanes of strings or binaries with offsets of 32 bits; what lies under a null is anything."""
    offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    first, last = int(offsets[0]), int(offsets[-1])
    content = b"" if array.buffers()[2] is None else array.buffers()[2].slice(first, last - first).to_pybytes()
    # A word may begin at each byte; those that reach beyond the end find zeros there.
    words: Words = np.ndarray((len(content) + _WORD_BYTES + 1,), "<u8", content + bytes(2 * _WORD_BYTES), 0, (1,))
    starts, sizes = offsets[:-1] - first, offsets[1:] - offsets[:-1]
    if sizes.max(initial=0) <= _SHORT_BYTES:
        return _by_place(words, starts, sizes, keys)
    return _laid_out(words, starts, sizes, keys)


def _by_place(words: Words, starts: _Numbers, sizes: _Numbers, keys: Lanes) -> Lanes:
    counts = (sizes + (2 * _WORD_BYTES - 1)) // _WORD_BYTES
    most = int(counts.max(initial=0))
    order = np.argsort((most - counts).astype(np.uint8), kind="stable")  # the longest first
    starts, sizes = starts[order], sizes[order]
    # reach[p]: how many texts have more than p words.
    reach = [*(len(order) - np.cumsum(np.bincount(counts, minlength=most + 1))).tolist(), 0]
    total = mixed(counts[order].astype(np.uint64), ~keys)
    by_place = place_keys(most, keys)
    for place in range(most):
        end, full, beyond = reach[place], reach[place + 1], reach[place + 2]
        taken = np.empty(end, np.uint64)
        taken[:full] = words[starts[:full] + place * _WORD_BYTES]
        taken[beyond:full] &= _MASKS[sizes[beyond:full] - place * _WORD_BYTES]
        taken[full:] = sizes[full:end]
        total[:, :end] += mixed(taken, by_place[:, place : place + 1])
    lanes = np.empty_like(total)
    lanes[:, order] = total
    return lanes


def _laid_out(words: Words, starts: _Numbers, sizes: _Numbers, keys: Lanes) -> Lanes:
    filled = -(-sizes // _WORD_BYTES)
    ends = np.cumsum(filled + 1)
    places = np.repeat(starts - (ends - filled - 1) * _WORD_BYTES, filled + 1)
    places += np.arange(len(places), dtype=np.int64) * _WORD_BYTES
    places[ends - 1] = 0
    laid = words[places]
    has_any = filled > 0
    last = (sizes[has_any] - 1) % _WORD_BYTES + 1
    laid[ends[has_any] - 2] &= _MASKS[last]
    laid[ends - 1] = sizes
    return in_order(laid, filled + 1, keys)
