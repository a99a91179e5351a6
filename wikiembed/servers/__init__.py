"""One embedding server: requests, outages, limits, and the classification of errors."""
