"""One embedding server: requests, outages, limits, and whose fault a failure is."""
