"""Reconciliation: prove that tables equal their collections, and say exactly where they do not."""
