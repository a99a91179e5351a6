"""The documented names of procrastinate that the rest of the worker uses."""

from procrastinate import App as ProcrastinateApp
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.jobs import Job
from procrastinate.types import JSONValue

__all__ = [
    "BaseRetryStrategy",
    "ConnectorException",
    "JSONValue",
    "Job",
    "JobAborted",
    "JobContext",
    "ProcrastinateApp",
    "RetryDecision",
]
