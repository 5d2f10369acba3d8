"""Realistic, seeded documents and changes for demos, tests and benchmarks (docs/datagen.md)."""
