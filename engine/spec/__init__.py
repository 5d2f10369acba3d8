"""YAML text becomes a validated, immutable spec, or a list of diagnostics."""
