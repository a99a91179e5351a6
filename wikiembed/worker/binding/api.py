"""What the rest of the worker uses of procrastinate: names that it documents."""

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
