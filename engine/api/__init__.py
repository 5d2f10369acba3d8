"""The HTTP API and its page: the same functions as the command line's, for programs and for people on call."""
