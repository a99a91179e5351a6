"""An operator's actions and queries: each calls a SQL function or reads a view."""
