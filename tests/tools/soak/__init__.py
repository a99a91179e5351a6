"""The longer form of the fault tests: faults at random from a printed seed, then the reckoning."""
