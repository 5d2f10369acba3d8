"""A target that uses the local stack: the text of its spec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from engine.errors import UsageError
from engine.stack.connect import URI_KEY
from engine.stack.s3 import BUCKET

_HEAD = """\
# yaml-language-server: $schema=../../schemas/target.schema.json
# The local stack, as `oplake stack up --write-target {name}` found it.
target: {name}

mongodb:
  uri: {mongodb}

transport:
"""
_CHANGE_STREAM = "  change_stream: {}\n"
_KAFKA = """\
  kafka:
    bootstrap_servers: {kafka}
    connect_url: {connect}
    topic:
      partitions: 4
      replication_factor: {brokers}
    connector:
      # Connect reads it there: its REST address does not show it.
      mongodb_uri_from: {secret}
"""
_FOLDER = """
lake:
  uri: .oplake/lake-{name}
"""
_S3 = """
lake:
  uri: s3://{bucket}/{name}
  storage:
    endpoint: {s3}
    access_key: ${{file:{stack}/s3/access_key}}
    secret_key: ${{file:{stack}/s3/secret_key}}
    allow_http: true            # on the loopback only
"""
_STATE = """
state: sqlite:///.oplake/{name}.db
"""


def target_text(name: str, addresses: Mapping[str, str], brokers: int, stack: str, secrets: Path) -> str:
    """YAML of a target. What does not run has its embedded stand-in: change streams, a folder.

    Args:
        addresses: part -> address.
        brokers: how many there are; topics get as many copies.
        secrets: Connect's file of secrets, an absolute path.
        stack: the stack's folder relative to the project: the keys of the store are in files there.

    Raises:
        UsageError: there is no MongoDB to read from.
    """
    if "mongodb" not in addresses:
        raise UsageError("a target needs a MongoDB", where="--write-target", remedy="`oplake stack up --only mongodb`")
    parts = [
        _HEAD,
        _KAFKA if {"kafka", "connect"} <= addresses.keys() else _CHANGE_STREAM,
        _S3 if "s3" in addresses else _FOLDER,
        _STATE,
    ]
    secret = json.dumps(f"file:{secrets}:{URI_KEY}", ensure_ascii=False)
    values = {"secret": secret, "name": name, "brokers": brokers, "stack": stack, "bucket": BUCKET, **addresses}
    return "".join(part.format_map(values) if part != _CHANGE_STREAM else part for part in parts)
