"""Texts of documents, one a line in one piece of memory: a pattern and a parser read it as it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa


class TextLines:
    """Some documents of a batch, in its order; an empty line stands for None."""

    def __init__(self, texts: Sequence[bytes | None]) -> None:
        """``texts``: in any encoding; ``lines`` says whether it is UTF-8."""
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def content(self) -> pa.Buffer:
        """All lines."""
        return pa.py_buffer(b"\n".join([*self._present, b""]))

    def lines(self) -> pa.LargeStringArray | None:
        """Each text with its line break; None when one of them is not UTF-8."""
        ends = np.zeros(len(self) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, self._present), np.int64, len(self)) + 1, out=ends[1:])
        array = pa.LargeStringArray.from_buffers(len(self), pa.py_buffer(ends), self.content)
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            return None
        return array

    @cached_property
    def _present(self) -> list[bytes]:
        return [text or b"" for text in self.texts]
