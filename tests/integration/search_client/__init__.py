"""The client of applications, against Postgres and a server."""
