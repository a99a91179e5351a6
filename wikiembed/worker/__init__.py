"""The process that embeds: its supervisor, its session, and what it holds."""
