"""Renders a connector's configuration from its template, which the project may replace.

The template is somebody's text: it runs in a sandbox that cannot change what it is given, every name in it must
exist, and what it makes is bounded. It never sees a secret, only a mark in its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import UserError
from engine.spec.assets import asset_folder

if TYPE_CHECKING:
    from jinja2 import Template

NAME = "debezium-mongodb.json.j2"
FOLDER = "templates"
MAX_TEMPLATE_BYTES = 64 << 10
MAX_OUTPUT = 128 << 10
"""Characters of a rendered configuration."""
_REFERENCE = re.compile(r"\bsettings\.([a-z_.]*[a-z_])")


class TemplateError(UserError):
    """A template is wrong, or does not render to a connector's configuration."""

    code = "template-invalid"


@dataclass(frozen=True, slots=True)
class ConnectorTemplate:
    """One template: its text, and where it is from."""

    text: str
    place: str

    def render(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Setting -> text, as Kafka Connect takes them.

        Raises:
            TemplateError: names the line of the template.
        """
        rendered = self._rendered(values)
        try:
            made = json.loads(rendered, object_pairs_hook=self._once)
        except json.JSONDecodeError as error:
            key = _last_key(rendered[: error.pos])
            raise self.error(f"what it renders is no JSON after `{key}`: {error.msg}", self.line_of(key)) from None
        if not isinstance(made, dict):
            raise self.error("what it renders is no mapping of settings")
        return {name: self._as_text(name, value) for name, value in made.items()}

    def line_of(self, setting: str) -> int | None:
        """The line of the template, from 1, that writes a setting; None where a loop does."""
        for number, line in enumerate(self.text.splitlines(), 1):
            if f'"{setting}"' in line:
                return number
        return None

    def spec_key_of(self, setting: str) -> str | None:
        """The key of ``connector`` that decides a setting, dotted; None when no single one does."""
        line = self.line_of(setting)
        found = None if line is None else _REFERENCE.search(self.text.splitlines()[line - 1])
        return None if found is None else found[1]

    def error(self, what: str, line: int | None = None) -> TemplateError:
        """An error at a line of the template."""
        where = self.place if line is None else f"{self.place}:{line}"
        return TemplateError(what, where=where, remedy="correct the template; without one of your own oplake's is used")

    def _rendered(self, values: Mapping[str, Any]) -> str:
        from jinja2 import TemplateError as JinjaError  # noqa: PLC0415  only who plans connectors needs it
        from jinja2 import TemplateSyntaxError  # noqa: PLC0415

        pieces: list[str] = []
        size = 0
        try:
            for piece in _compiled(self.text, self.place).generate(**values):
                size += len(piece)
                if size > MAX_OUTPUT:
                    raise self.error(f"it renders to more than {MAX_OUTPUT:,} characters")
                pieces.append(piece)
        except TemplateSyntaxError as error:
            raise self.error(error.message or "it is no Jinja template", error.lineno) from None
        except (
            JinjaError,
            TypeError,
            ValueError,
            ArithmeticError,
            OverflowError,
            AttributeError,
            LookupError,
        ) as error:
            raise self.error(str(error), _line_in_template(error)) from None
        return "".join(pieces)

    def _once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in pairs:
            if name in made:
                what = (
                    f"it gives `{name}` twice; a setting that the template writes cannot stand under `config` as well"
                )
                raise self.error(what, self.line_of(name))
            made[name] = value
        return made

    def _as_text(self, name: str, value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, str | int | float):
            raise self.error(f"`{name}` is neither text, a number, true nor false", self.line_of(name))
        return str(value)


def load_template(root: Path) -> ConnectorTemplate:
    """The project's own template, else the one that comes with oplake.

    Raises:
        TemplateError: the file cannot be read.
    """
    own = root / FOLDER / NAME
    path = own if own.is_file() else asset_folder(FOLDER) / NAME
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_TEMPLATE_BYTES + 1)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise TemplateError(f"the template cannot be read: {reason}", where=str(path)) from None
    if len(content) > MAX_TEMPLATE_BYTES:
        raise TemplateError(f"the template has more than {MAX_TEMPLATE_BYTES:,} bytes", where=str(path))
    return ConnectorTemplate(text, f"{FOLDER}/{NAME}")


@lru_cache(maxsize=8)
def _compiled(text: str, place: str) -> Template:
    from jinja2 import StrictUndefined  # noqa: PLC0415
    from jinja2.loaders import DictLoader  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    # What it makes is JSON, so HTML's escapes would be wrong; `tojson` is the escaping here.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        loader=DictLoader({place: text}),
    )
    return environment.get_template(place)


def _line_in_template(error: BaseException) -> int | None:
    """The template's line in which it failed: Jinja gives its frames the template's own numbers."""
    lines = list(_template_lines(error))
    return lines[-1] if lines else None


def _template_lines(error: BaseException) -> Iterator[int]:
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == "<template>":
            yield step.tb_lineno
        step = step.tb_next


def _last_key(text: str) -> str:
    found = re.findall(r'"([^"\n]+)"\s*:', text)
    return found[-1] if found else "{"
