"""How to cause each of doctor's alarms, and how to clear it."""

from tests.acceptance.doctor_cases.case import ARTICLES, Case
from tests.acceptance.doctor_cases.costs import COSTS
from tests.acceptance.doctor_cases.place import PLACE
from tests.acceptance.doctor_cases.servers import SERVERS
from tests.acceptance.doctor_cases.sources import SOURCES
from tests.acceptance.doctor_cases.work import WORK

__all__ = ["ARTICLES", "CASES", "Case"]
CASES = (*PLACE, *SOURCES, *WORK, *COSTS, *SERVERS)
