"""A batch of BSON documents becomes Arrow columns, exactly: what a column cannot hold is kept beside it."""
