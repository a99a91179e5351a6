"""Examine an installation; every finding has a level (ok, warning, fault) and what to do."""

from wikiembed.control.doctor.examine import Examination
from wikiembed.control.doctor.findings import ALARMS, Alarm, Finding, Level

__all__ = ["ALARMS", "Alarm", "Examination", "Finding", "Level"]
