"""Logs, and the named crash points of the fault tests."""
