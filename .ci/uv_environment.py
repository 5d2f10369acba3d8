"""Print, as shell exports, the package registry settings of pip that uv does not read by itself.

pip takes its settings from its own files and from ``PIP_*`` variables; uv reads neither.
``pip config list`` prints both, in rising precedence, as ``section.key='value'``.
A ``UV_*`` variable that is already set wins.
"""

import ast
import os
import shlex
import subprocess
import sys

SAME_MEANING = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_EXTRA_INDEX_URL",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
COMMA_SEPARATED = {"UV_FIND_LINKS"}


def pip_settings() -> dict[str, str]:
    """Settings that apply to ``pip install``, by their long option's name."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - fixed words
    settings = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in {"global", "install", ":env:"}:
            settings[key] = str(ast.literal_eval(value))
    return settings


def uv_settings(settings: dict[str, str]) -> dict[str, str]:
    """The same settings under the names that uv reads."""
    found = {}
    for key, variable in SAME_MEANING.items():
        words = settings.get(key, "").split()
        if words and not os.environ.get(variable):
            found[variable] = ("," if variable in COMMA_SEPARATED else " ").join(words)
    if "UV_EXTRA_INDEX_URL" in found:
        # pip takes the best match of all indexes; the locks' hashes keep that safe.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


if __name__ == "__main__":
    for variable, value in uv_settings(pip_settings()).items():
        sys.stdout.write(f"export {variable}={shlex.quote(value)}\n")
