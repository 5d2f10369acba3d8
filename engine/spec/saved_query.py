"""A saved query: a SELECT that a team keeps beside its pipelines (``specs/queries/*.yaml``)."""

from __future__ import annotations

from pydantic import Field

from engine.spec.model import SpecModel
from engine.spec.target import Name


class SavedQuery(SpecModel):
    """One SELECT over the tables, run by `oplake query --saved NAME`."""

    query: Name = Field(description="The query's name: lower-case letters, digits and underscores.")
    description: str = Field("", description="What the rows say, for whoever finds the query.")
    sql: str = Field(min_length=1, description="One SELECT over the views TABLE, TABLE__current, TABLE__changes ...")
