"""Logs, counters, metrics, and the named crash points of the fault tests."""
