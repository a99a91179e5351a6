"""Tests, and the stand-ins that they share."""
