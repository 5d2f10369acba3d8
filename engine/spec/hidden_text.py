"""Lines of a spec as people may see them: whatever can be a secret is hidden, references stay.

Text keeps its length, so that carets stay where they belong. Which keys hold secrets is told by ``secret_keys``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from engine.secrets.references import references, visible
from engine.spec.yaml_tree import Extent

_HIDDEN = "*"
# Every pattern reads a line once, however it is made.
_USER_INFO = re.compile(r"(?P<before>://)(?P<value>(?:(?!://)[^\s\"'])*)(?P<after>@)")
_MONGODB = re.compile(r"(?P<before>mongodb(?:\+srv)?://)(?P<value>(?:(?!://)[^\s\"'])*)(?P<after>)")
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"?|'[^']*'?"
_PLAIN = r"(?=[^\s,}])(?:\$\{[^{}]*\}|[^,}])+"
_KEY_VALUE = re.compile(
    rf"(?P<before>(?<![\w-])(?P<key>[\w-]++)[\"']?\s*+:\s++)(?![{{\[|>])(?P<value>{_QUOTED}|{_PLAIN})(?P<after>)"
)
_WORD = re.compile(r"[^\s{}\[\],:\"'#&*!|>$?-]+")
_SUSPECT = re.compile(r"(?i)secret|passw|token|credential|access_?key")


def hide_suspects(lines: Iterable[str], known: Collection[tuple[int, int]] | None) -> tuple[str, ...]:
    """Hide the user information of addresses, all of MongoDB's, and the values of keys that may be secrets.

    Args:
        known: line and column, from 1, of the keys whose values are shown; None when only a suspicious name hides a
            value.
    """

    def hide_values(number: int, line: str) -> str:
        def hide_value(match: re.Match[str]) -> str:
            is_known = known is None or (number, match.start("key") + 1) in known
            # A comment in the place of a value may be the value, which a misplaced sign made a comment.
            is_comment = known is not None and match["value"].startswith("#")
            is_shown = is_known and not is_comment and not _SUSPECT.search(match["key"])
            return match[0] if is_shown else _hide_match(match)

        return _KEY_VALUE.sub(hide_value, line)

    return tuple(
        hide_values(number, _MONGODB.sub(_hide_match, _USER_INFO.sub(_hide_match, line)))
        for number, line in enumerate(lines, start=1)
    )


def hide_words(lines: Iterable[str], vocabulary: Collection[str]) -> tuple[str, ...]:
    """Hide every word that is not of the vocabulary; what is left shows how the YAML is built."""

    def hide_word(match: re.Match[str]) -> str:
        return match[0] if match[0] in vocabulary else _HIDDEN * len(match[0])

    return tuple(_WORD.sub(hide_word, line) for line in lines)


def _hide_match(match: re.Match[str]) -> str:
    return f"{match['before']}{_hidden(match['value'])}{match['after']}"


def hide_extents(lines: Sequence[str], extents: Iterable[Extent]) -> tuple[str, ...]:
    """Hide stretches of the text."""
    hidden = list(lines)
    for first_line, first_column, last_line, last_column in extents:
        for number in range(first_line, min(last_line + 1, len(hidden))):
            start = first_column if number == first_line else 0
            end = last_column if number == last_line else len(hidden[number])
            line = hidden[number]
            hidden[number] = f"{line[:start]}{_hidden(line[start:end])}{line[end:]}"
    return tuple(hidden)


def _hidden(text: str) -> str:
    """Everything but references."""
    pieces, end = [], 0
    for reference in references(text):
        pieces += [_HIDDEN * (reference.start - end), visible(reference, _HIDDEN)]
        end = reference.start + len(reference.text)
    return "".join([*pieces, _HIDDEN * (len(text) - end)])
