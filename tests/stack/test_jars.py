from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.errors import OperatorError, ToolMissing
from engine.stack import jars, java


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def put(folder: Path, **files: bytes) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.jar").write_bytes(content)


def test_without_maven_the_remedy_is_told(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(empty_cache))
    with pytest.raises(ToolMissing, match=r"Maven is not installed"):
        jars.jar_folder("kafka")


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("brought", [{"a": b"other"}, {"a": b"right", "b": b"too many"}, {}])
def test_jars_with_other_bytes_are_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, brought: dict[str, bytes]
) -> None:
    put(tmp_path / "right", a=b"right")
    monkeypatch.setattr(jars, "expected", lambda _: jars.digests(tmp_path / "right"))
    monkeypatch.setattr(jars, "copy_dependencies", lambda _, folder: put(folder, **brought))
    for _ in range(2):
        with pytest.raises(OperatorError, match=r"not the ones that jars.sha256 names"):
            jars.jar_folder("kafka")
    monkeypatch.setattr(jars, "copy_dependencies", lambda _, folder: shutil.copytree(tmp_path / "right", folder))
    assert jars.digests(jars.jar_folder("kafka")) == jars.expected("kafka")


def test_every_set_has_checksums() -> None:
    assert {name: len(jars.expected(name)) for name in jars.SETS} == {"kafka": 92, "debezium": 17}


def test_without_java_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ToolMissing, match=r"no Java 17 or newer"):
        java.find_java()
