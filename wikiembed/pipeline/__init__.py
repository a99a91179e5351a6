"""Embed the chunks of a job: write vectors, or record failures."""
