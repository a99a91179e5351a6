"""The benchmark: ratios within one run, on one Postgres and one stand-in server (scripts/bench)."""
