"""The rows of the benchmark, one file per topic."""
