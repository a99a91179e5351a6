"""Models in the process, with their libraries: scripts/models.sh."""
