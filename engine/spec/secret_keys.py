"""Which keys of a spec hold secrets, and which parts of its text may therefore not be shown."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from engine.secrets.secret import Secret
from engine.spec.diagnostics import is_word
from engine.spec.hidden_text import hide_extents, hide_suspects, hide_words
from engine.spec.model_fields import fields_of, holds, is_known, model_in
from engine.spec.target import Target
from engine.spec.yaml_tree import Extent, Path, Tree, value_at

# Words beside keys that show how a broken line was meant.
_PLAIN_WORDS = frozenset({"true", "false", "env", "file"})


def lines_of_broken(lines: tuple[str, ...], model: type[BaseModel]) -> tuple[str, ...]:
    """The lines of a file that is too broken to know its keys; of a target only known words are shown."""
    if model is Target:
        return hide_words(lines, _PLAIN_WORDS | set(_words(Target)))
    return hide_suspects(lines, None)


def lines_of(tree: Tree, model: type[BaseModel]) -> tuple[str, ...]:
    """The lines of a file whose keys are known."""
    # Not by name: a key can be a secret at one depth and none at another, and a doubled one is in the tree once.
    known = {(key.line, key.column) for path, key in tree.keys.items() if is_known(Target, path)}
    lines = hide_suspects(tree.lines, known if model is Target else None)
    return hide_extents(lines, _secret_extents(tree, model))


def hides_key(tree: Tree, model: type[BaseModel], path: Path) -> bool:
    """Whether a key may be a value that a slip made a key (``secret_key, x`` for ``secret_key: x``).

    That is an unknown key that is no word, or has no value in a spec that holds secrets.
    """
    if is_known(model, path):
        return False
    has_no_value = path in tree.extents and value_at(tree.data, path) is None
    return not is_word(str(path[-1])) or (has_no_value and model is Target)


def _secret_extents(tree: Tree, model: type[BaseModel]) -> Iterator[Extent]:
    """The text of every secret, and of what a slip may have made unknown: the values and keys of a target."""
    for path, extent in tree.extents.items():
        if holds(Target, path, Secret) or (model is Target and not is_known(Target, path)):
            yield extent
    for path, key in tree.keys.items():
        if hides_key(tree, model, path):
            begin = key.line - 1, key.column - 1
            # A key that goes on in the next line ends where nobody tells: then nothing behind it is shown.
            goes_on = len(str(path[-1])) > key.length
            yield (*begin, len(tree.lines), 0) if goes_on else (*begin, begin[0], begin[1] + key.length)


def _words(model: type[BaseModel]) -> Iterator[str]:
    """Every key, at any depth."""
    for name, info in fields_of(model).items():
        yield name
        inner = model_in(info.annotation)
        if inner is not None:
            yield from _words(inner)
