"""Calls of wikiembed's functions and views in Postgres."""
