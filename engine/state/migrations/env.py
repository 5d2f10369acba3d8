"""How Alembic reaches the database: over the connection ``engine.state.migrate`` hands it."""

from alembic import context

from engine.state.migrate import VERSION_TABLE
from engine.state.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=False,  # the caller's transaction is the transaction
)
context.run_migrations()
