"""The bytes of a spec file become text, or a problem that says which byte is to blame."""

from __future__ import annotations

import re

from engine.spec.diagnostics import Diagnostic, Refused, Span

MAX_BYTES = 128 * 1024
"""A large spec has a few thousand bytes; what is larger is read by nobody."""

_BOM = "\ufeff"
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# What no editor shows: C0 and C1 controls, line separators that only some programs take for line breaks, and the
# marks that make text look other than it is. YAML allows several of them; a spec that is reviewed in git does not.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def split_lines(text: str) -> tuple[str, ...]:
    """The lines of a text, without their ends."""
    return tuple(_LINE_BREAK.split(text))


def read_text(file: str, content: bytes) -> tuple[str, list[Diagnostic]]:
    """The text of a file and the problems that do not keep it from being read.

    Raises:
        Refused: it is too large, not UTF-8, or holds characters that nobody sees.
    """
    if len(content) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES:,} bytes, the most that a spec may have"
        raise Refused(Diagnostic(Span(file, 1, 1), "file-too-large", message))
    text = _decoded(file, content)
    problems = []
    if text.startswith(_BOM):
        text = text.removeprefix(_BOM)
        span = Span(file, 1, 1)
        message = "the file starts with a byte-order mark"
        problems.append(Diagnostic(span, "byte-order-mark", message, "save it as UTF-8 without a byte-order mark"))
    invisible = _INVISIBLE.search(text)
    if invisible:
        found, span = ord(invisible[0]), _place(file, text, invisible.start())
        message = f"the invisible character U+{found:04X} is not allowed"
        suggestion = f'delete it, or write "\\u{found:04x}" in double quotes'
        raise Refused(*problems, Diagnostic(span, "invisible-character", message, suggestion))
    return text, problems


def _decoded(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        message = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        suggestion = "save the file as UTF-8"
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            message = "the file is UTF-16, not UTF-8"
        raise Refused(Diagnostic(_place(file, before, len(before)), "not-utf-8", message, suggestion)) from None


def _place(file: str, text: str, index: int) -> Span:
    lines = split_lines(text[:index])
    return Span(file, len(lines), len(lines[-1]) + 1)
