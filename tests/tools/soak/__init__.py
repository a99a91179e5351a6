"""The longer form of the fault tests: random faults from a printed seed, then final checks."""
