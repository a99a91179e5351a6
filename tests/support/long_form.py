"""Which form of the long tests runs."""

from __future__ import annotations

import os

LONG = os.environ.get("WIKIEMBED_FAULTS") == "long"
"""Whether the long forms run; the short ones are for CI."""
