"""oplake keeps Delta Lake tables in step with MongoDB collections, from YAML files in git."""
