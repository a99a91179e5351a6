"""From a question to chunks: its vector, the search in Postgres, and the client of applications."""
