"""Embedding servers: one Protocol, four dialects; the only package that speaks HTTP."""
