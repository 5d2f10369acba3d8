"""Programs that render manifests and hold them against Kubernetes' schemas, built once from a locked Go module."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[2] / "deploy" / "kubernetes" / "tools"
PACKAGES = {
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
    "kubectl-validate": "sigs.k8s.io/kubectl-validate",
}
NO_GO = "needs Go, to build kustomize and kubectl-validate (`make kubernetes-tools`; Debian: golang)"


def folder() -> Path:
    """Where the programs of this lock are, or will be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    lock = b"".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))
    return cache / "oplake" / "bin" / f"kubernetes-{hashlib.sha256(lock).hexdigest()[:12]}"


def program(name: str) -> Path:
    """One of the programs; built where it is not there yet, which takes three minutes of a core, once.

    A test that asks is skipped, and says so, where there is no Go; never in continuous integration.
    """
    found = folder() / name
    if found.exists():
        return found
    go = shutil.which("go")
    if go is None:
        if os.environ.get("CI"):
            pytest.fail(NO_GO)
        pytest.skip(NO_GO)
    found.parent.mkdir(parents=True, exist_ok=True)
    made = found.with_name(f".{name}.{os.getpid()}")
    command = [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", made, PACKAGES[name]]
    subprocess.run(command, cwd=MODULE, check=True)
    made.rename(found)
    return found


def kustomize() -> list[str | Path]:
    """The command that renders a folder, which comes last."""
    return [program("kustomize"), "build"]


def validator() -> Path:
    """The command that checks a file without a cluster or a network."""
    return program("kubectl-validate")


if __name__ == "__main__":
    for one in PACKAGES:
        program(one)
