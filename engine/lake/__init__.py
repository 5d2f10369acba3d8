"""Delta tables: append with the position, evolve, fold, maintain."""
