"""The lake's storage options as a DuckDB secret, held in memory and limited to the lake."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import duckdb

from engine.query.sql_text import literal

_PLAIN = {
    "aws_access_key_id": "KEY_ID",
    "aws_secret_access_key": "SECRET",
    "aws_session_token": "SESSION_TOKEN",
    "aws_region": "REGION",
}


def create_secret(connection: duckdb.DuckDBPyConnection, lake_uri: str, storage_options: Mapping[str, str]) -> None:
    """Give DuckDB what it needs to read ``lake_uri`` (``s3://...``); deltalake's option names are understood."""
    options = {name.lower(): value for name, value in storage_options.items()}
    given = {_PLAIN[name]: literal(value) for name, value in options.items() if name in _PLAIN}
    endpoint = options.get("aws_endpoint") or options.get("aws_endpoint_url")
    if endpoint:
        parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        given["ENDPOINT"] = literal(parts.netloc)
        given["USE_SSL"] = "false" if parts.scheme == "http" else "true"
    is_virtual = options.get("aws_virtual_hosted_style_request", "true") == "true"
    given["URL_STYLE"] = literal("vhost" if is_virtual else "path")
    settings = ", ".join(f"{name} {value}" for name, value in given.items())
    connection.execute(f"CREATE SECRET oplake (TYPE s3, SCOPE {literal(lake_uri)}, {settings})")
