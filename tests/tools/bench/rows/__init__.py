"""The rows of the benchmark, a file a concern."""
