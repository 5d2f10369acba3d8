"""The Dockerfile of the image, and its very steps carried out without Docker, in a mount namespace of their own."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
FLAGS = re.compile(r"^(?:--\S+\s+)+")
FROM_STAGE = "--from="
# Compiling every module is for starting fast; it would take a quarter of a minute here and change nothing.
NOT_TRIED = {"UV_COMPILE_BYTECODE": "0"}


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction, its lines joined."""

    word: str
    flags: str
    text: str


def stages() -> list[list[Step]]:
    """The steps of each stage; the first step of each is its FROM."""
    found: list[list[Step]] = [[]]
    for one in DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.read_bytes())).structure:
        word, value = one["instruction"], one["value"]
        if word == "COMMENT":
            continue
        if word == "FROM":
            found.append([])
        match = FLAGS.match(value)
        flags = match.group().strip() if match else ""
        found[-1].append(Step(word, flags, value[len(match.group()) if match else 0 :]))
    return found[1:]


def variables(steps: Iterable[Step]) -> dict[str, str]:
    """What ENV sets, with references to other variables as they stand."""
    words = [word for step in steps if step.word == "ENV" for word in shlex.split(step.text)]
    return dict(word.split("=", 1) for word in words)


class BuiltImage:
    """What the build stage makes, in folders that stand for the image's /opt and /usr/src."""

    def __init__(self, folder: Path) -> None:
        self.opt, self._sources = folder / "opt", folder / "src"
        for made in (self.opt, self._sources / "oplake"):
            made.mkdir(parents=True)
        steps = stages()[0]
        script = ["cd /usr/src/oplake"]
        for step in steps:
            if step.word == "COPY":
                script.append(self._copied(shlex.split(step.text)))
            elif step.word == "RUN":
                script.append(step.text)
        environment = {**os.environ, **variables(steps), **NOT_TRIED}
        _in_namespace([*self._mounts(), *script], environment)

    def run(self, script: Sequence[str], environment: Mapping[str, str]) -> str:
        """Run lines as the image would with a read-only root, writing to /tmp and /var/lib/oplake alone.

        Returns:
            What they print.
        """
        given = {"PATH": os.environ["PATH"], **environment}
        for name, value in variables(stages()[1]).items():
            given.setdefault(name, "")
            given[name] = value.replace("$PATH", os.environ["PATH"])
        lines = shlex.quote("\n".join(["set -eu", *script]))
        read_only = [
            "mount -t tmpfs none /var/lib && mkdir /var/lib/oplake && mount -t tmpfs none /var/lib/oplake",
            "mount -t tmpfs none /tmp",
            "for place in /var/lib /opt /usr/src /; do mount -o bind,remount,ro $place; done",
            "for place in /usr/src /var /etc; do if touch $place/written 2> /dev/null; then exit 9; fi; done",
            "cd /",
            f"exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all bash -c {lines}",
        ]
        return _in_namespace([*self._mounts(), *read_only], {**given, **environment})

    def _copied(self, words: Sequence[str]) -> str:
        *sources, target = words
        place = target if target.startswith("/") else f"/usr/src/oplake/{target}"
        lines = [f"mkdir -p {place}"]
        for source in sources:
            path = ROOT / source
            # Docker copies what is in a folder, and a file itself.
            lines.append(f"cp -r {path}/. {place}" if path.is_dir() else f"cp {path} {place}")
        return " && ".join(lines)

    def _mounts(self) -> list[str]:
        """Both folders in their places; what this machine has in /opt (wheels, perhaps) stays visible."""
        kept = 'mkdir -p "$opt/${entry#/opt/}" && mount --bind "$entry" "$opt/${entry#/opt/}"'
        return [
            "mount --make-rprivate /",
            f"opt={self.opt}",
            f"for entry in /opt/*; do if [ -d $entry ]; then {kept}; fi; done",
            "mount --rbind $opt /opt",
            f"mount --bind {self._sources} /usr/src",
        ]


def _in_namespace(script: Sequence[str], environment: Mapping[str, str]) -> str:
    unshare = shutil.which("unshare")
    assert unshare, "needs unshare (Debian: util-linux)"
    as_root = [] if os.getuid() == 0 else ["--map-root-user"]
    command = [unshare, "--mount", *as_root, "bash", "-c", "\n".join(["set -eu", *script])]
    done = subprocess.run(
        command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
