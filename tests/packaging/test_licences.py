"""What is shipped with oplake may be shipped: every locked package has a licence that asks no more than to be named."""

from __future__ import annotations

import ast
import re
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==", re.MULTILINE)
SHIPPED = sorted(set(PIN.findall((ROOT / "locks" / "production.txt").read_text())))
ALLOWED = {
    *("MIT", "MIT-0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "PSF-2.0", "Zlib", "CC0-1.0"),
    "MPL-2.0",  # concerns changes of its own files
}
SPOKEN = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
# LGPL: the driver of PostgreSQL, an extra, loaded as the separate library that it is and never changed.
EXCEPTIONS = {"psycopg": {"LGPL-3.0-only"}, "psycopg-binary": {"LGPL-3.0-only"}}


def licences(package: str) -> set[str]:
    """SPDX identifiers: of its expression, else its classifiers, else what it says in words."""
    told = distribution(package).metadata
    classifiers = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier", ()) if one.startswith("License ::")]
    words = told.get("License", "").strip()
    if expression := told.get("License-Expression"):
        return set(re.split(r"\s+(?:AND|OR)\s+", expression.strip("()")))
    return {SPOKEN.get(one, one) for one in (classifiers or [words])}


@pytest.mark.parametrize("package", SHIPPED)
def test_the_licence_of_every_shipped_package_is_one_that_we_may_ship(package: str) -> None:
    found = licences(package)
    assert found
    assert found <= ALLOWED | EXCEPTIONS.get(package, set()), f"{package}: {found - ALLOWED}"


def test_nothing_that_oplake_imports_is_gpl() -> None:
    imported = set()
    for file in (ROOT / "engine").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    owners = packages_distributions()
    packages = {owner for name in imported - {"engine"} for owner in owners.get(name, ())}
    assert {"deltalake", "pymongo"} <= packages
    gpl = [name for name in packages if any(re.match(r"A?GPL|GNU (Affero )?General", one) for one in licences(name))]
    assert gpl == []
