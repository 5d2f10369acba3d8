"""Delta tables: append with the position, evolve, fold, maintain."""

import os

# deltalake brings an allocator of its own, which keeps what a MERGE has used: measured with 1.6.6, a process
# that folds 2 million rows holds 0.9 GB for ever, and 0.4 GB with this. It is read when deltalake is loaded.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:500,muzzy_decay_ms:0,narenas:2")
