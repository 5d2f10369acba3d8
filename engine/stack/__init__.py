"""The local real servers for development and tests, each a process of its own."""
