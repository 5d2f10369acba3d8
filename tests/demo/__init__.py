"""``make demo``: the whole of oplake once, on this machine, with the real command line and a real server."""
