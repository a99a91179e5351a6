"""Tests on what no other suite has: Docker, servers of models. ``scripts/real.sh`` runs them."""
