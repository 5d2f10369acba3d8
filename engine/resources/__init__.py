"""The kinds of things a plan owns; one module knows what a kind should be, is, differs in, and how to act."""
