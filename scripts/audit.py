"""Judge what pip-audit found: ``python scripts/audit.py ANSWER.json`` (see scripts/audit.sh).

Exits 0 when no vulnerability is known, 1 with a table when one is, and 3 when the service knew
none of the packages: pip-audit calls that "no known vulnerabilities".
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HEADING = ("package", "pinned", "vulnerability", "fixed in")


def judge(dependencies: list[dict[str, Any]]) -> int:
    """Print a table or a sentence; returns the exit code."""
    audited = [one for one in dependencies if "skip_reason" not in one]
    if not audited:
        return 3
    rows = [
        (one["name"], one["version"], found["id"], ", ".join(found["fix_versions"]) or "none yet")
        for one in audited
        for found in one["vulns"]
    ]
    for one in dependencies:
        if "skip_reason" in one:
            print(f"Not audited: {one['name']} is unknown to the service.")
    for row in [("package", "pinned", "vulnerability", "fixed in"), *rows] if rows else []:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, (24, 12, 24, 0), strict=True))
        )
    if not rows:
        print(f"No vulnerability is known in {len(audited)} pinned packages.")
    return 1 if rows else 0


if __name__ == "__main__":
    sys.exit(judge(json.loads(Path(sys.argv[1]).read_text())["dependencies"]))
