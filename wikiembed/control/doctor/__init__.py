"""Examine an installation; every line says ok, warning or fault, and what to do."""

from wikiembed.control.doctor.examine import Examination
from wikiembed.control.doctor.findings import ALARMS, Alarm, Finding, Level

__all__ = ["ALARMS", "Alarm", "Examination", "Finding", "Level"]
