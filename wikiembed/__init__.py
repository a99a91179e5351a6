"""Keep every chunk of a Postgres wiki embedded."""

__version__ = "0.1.0"
