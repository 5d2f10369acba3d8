"""Which request asked for a job: the trace that the job goes on with.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; jobs of before have none."""
    op.add_column("jobs", sa.Column("trace", sa.String(64)))
