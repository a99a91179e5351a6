"""An ORM that saves whole objects: the models of docs/how-to/applications leave vectors alone."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from pgvector.sqlalchemy import Vector
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import NullPool

from tests.support.chunks import add, make_source
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn
from tests.support.workers import drain, settings_of


class Base(DeclarativeBase):
    """Its models have no triggers of their own."""


class Loading(Base):
    """The column as a model has it by default: loaded and saved with the others."""

    __tablename__ = "docs"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]
    vec: Mapped[list[float] | None] = mapped_column(Vector(DIMENSIONS))


class Deferring(DeclarativeBase):
    """Another registry, since both models have one table."""


class Leaving(Deferring):
    """The column as the page has it."""

    __tablename__ = "docs"
    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[str]
    vec: Mapped[list[float] | None] = mapped_column(
        Vector(DIMENSIONS), deferred=True, deferred_raiseload=True
    )


@pytest.mark.parametrize(("model", "kept"), [(Leaving, False), (Loading, True)])
def test_object_saved_whole_keeps_its_vector_only_if_it_loaded_it(
    database: Database,
    standin: StandIn,
    model: type[Leaving] | type[Loading],
    kept: bool,  # noqa: FBT001
) -> None:
    """The vector of another text beside a text: why the page has the column deferred."""
    make_source(database)
    add(database, "one")
    asyncio.run(drain(settings_of(database, standin.url)))
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database.url), poolclass=NullPool
    )
    with Session(engine) as session:
        opened: Any = session.get_one(model, 1)
    database.execute("update public.docs set body = 'two'")
    opened.body = "three"
    with Session(engine) as session:
        session.merge(opened)
        session.commit()
    row = database.rows("select body, vec is not null from public.docs")
    assert row == [("three", kept)]
