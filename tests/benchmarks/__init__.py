"""How fast oplake is on this machine, beside what the machine allows. ``python -m tests.benchmarks``."""
