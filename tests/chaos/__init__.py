"""The production transport, while everything it is made of is killed."""
