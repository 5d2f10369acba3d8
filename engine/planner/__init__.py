"""Desired and observed become a plan (data); rules judge it; a journal carries it out."""
