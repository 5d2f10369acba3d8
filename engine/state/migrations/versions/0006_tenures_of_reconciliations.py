"""Which process has a reconciliation in hand, and when it was last heard of.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; one that was begun before has never been heard of."""
    for name in ("tenure", "seen"):
        op.add_column("reconciliations", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
