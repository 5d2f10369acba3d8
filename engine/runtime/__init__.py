"""Runs tables: the loop of a batch, its threads, signals and retries."""
