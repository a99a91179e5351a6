"""A stand-in embedding server whose vectors prove which text they were made from."""

from __future__ import annotations

from tests.support.standin.faults import BadText, Canned, Controls
from tests.support.standin.proof import blurred, proof_sql, vector_of, vectors_of
from tests.support.standin.server import StandIn

__all__ = [
    "BadText",
    "Canned",
    "Controls",
    "StandIn",
    "blurred",
    "proof_sql",
    "vector_of",
    "vectors_of",
]
