"""SQL over the lake: DuckDB views of every table, live, folded or as they were (docs/query.md)."""
