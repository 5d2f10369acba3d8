"""Delta tables: append with the position, evolve, fold, maintain."""

import os

# deltalake brings an allocator of its own, which keeps what a MERGE has used: measured with 1.6.6, a process
# that folds 2 million rows holds 0.9 GB for ever, and 0.4 GB with this. It is read when deltalake is loaded.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:500,muzzy_decay_ms:0,narenas:2")

WRITES_AT_ONCE = 32
"""How many commits of this process may be under way at the same time."""
# deltalake has as many threads as there are processors, and a write holds one of them while it waits for its rows from
# Python. Those may be read by deltalake, too, on these threads; and some of its calls keep the interpreter's lock while
# they wait for them. With all threads held nothing goes on, for ever: on one processor, one fold is enough. So there is
# a thread for each write, and others. It is read when deltalake starts the first of them.
_THREADS = WRITES_AT_ONCE + (os.cpu_count() or 1)
os.environ["TOKIO_WORKER_THREADS"] = str(max(_THREADS, int(os.environ.get("TOKIO_WORKER_THREADS") or 0)))
