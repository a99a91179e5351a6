"""Every undocumented member of procrastinate that the binding uses, by name.

A new version that drops or renames one fails here, before a worker does.
"""

from __future__ import annotations

import ast
import inspect
import logging
from importlib.metadata import version
from pathlib import Path

import procrastinate
import pytest
from procrastinate import PsycopgConnector, jobs, manager, periodic, worker
from procrastinate.job_context import JobContext

from wikiembed.app import app
from wikiembed.db.queue_schema import PROCRASTINATE_VERSION, vendored_schema
from wikiembed.worker import binding
from wikiembed.worker.binding.app import App
from wikiembed.worker.binding.connection import Connector
from wikiembed.worker.binding.job_manager import JobManager
from wikiembed.worker.binding.worker import Worker

FOLDER = Path(binding.__file__).parent
OURS = {App: procrastinate.App, Connector: PsycopgConnector, JobManager: manager.JobManager,
        Worker: worker.Worker}  # fmt: skip
PRIVATE = {
    "App": {"_worker"},
    "PsycopgConnector": {"_create_pool", "_async_pool"},
    "JobManager": set[str](),
    "Worker": {
        "_abort_running_jobs",
        "_handle_notification",
        "_log_extra",
        "_monitor_side_tasks",
        "_new_job_event",
        "_periodic_deferrer",
        "_run_loop",
        "_running_jobs",
        "_shutdown",
    },
}
"""Private members by the class of procrastinate that has them."""


def used_names(cls: type) -> set[str]:
    """Single-underscore members that the module of `cls` reads, calls or overrides."""
    tree = ast.parse((FOLDER / f"{cls.__module__.rsplit('.', 1)[1]}.py").read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def members(base: type) -> set[str]:
    """The members of a procrastinate class: methods, and attributes that its source assigns."""
    found: set[str] = set()
    for cls in base.__mro__[:-1]:
        source = Path(inspect.getfile(cls)).read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                        found.add(inner.name)
                    elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                        found.add(inner.attr)
    return found


@pytest.mark.parametrize("cls", OURS, ids=lambda cls: cls.__name__)
def test_binding_uses_only_the_listed_private_members(cls: type) -> None:
    """Each used member exists in procrastinate's class, and the list above is complete."""
    base = OURS[cls]
    theirs = {name for name in members(base) if name.startswith("_") and name[1] != "_"}
    assert used_names(cls) & theirs == PRIVATE[base.__name__]


@pytest.mark.parametrize(("level", "copies"), [(logging.WARNING, False), (logging.INFO, True)])
def test_job_is_copied_only_for_a_log_that_keeps_it(level: int, *, copies: bool) -> None:
    """Its arguments are all keys of a batch."""
    job = jobs.Job(
        id=7, queue="q", lock=None, queueing_lock=None, task_name="t", task_kwargs={"keys": ["1"]}
    )
    context = JobContext(
        app=app, job=job, abort_reason=lambda: None, start_timestamp=0.0, additional_context={}
    )
    one = Worker(app=app)
    one.logger = logging.getLogger("test.worker_binding")
    one.logger.setLevel(level)
    extra = one._log_extra("start_job", context, None)
    assert (extra["action"], "job" in extra) == ("start_job", copies)


def test_periodic_registry_holds_tasks_by_name_and_id() -> None:
    """The choice of periodic tasks filters this dictionary by the first half of its keys."""
    registry = periodic.PeriodicRegistry()  # type: ignore[no-untyped-call]
    assert registry.periodic_tasks == {}
    assert {type(key) for key in app.periodic_registry.periodic_tasks} == {tuple}
    assert "wikiembed.rescue" in {name for name, _ in app.periodic_registry.periodic_tasks}


def test_installed_procrastinate_is_the_vendored_one() -> None:
    """One version for the package, the schema of its queue, and the doctor."""
    assert version("procrastinate") == PROCRASTINATE_VERSION
    assert vendored_schema().parent.name == PROCRASTINATE_VERSION
    root = FOLDER.parents[2]
    assert f'"procrastinate=={PROCRASTINATE_VERSION}"' in (root / "pyproject.toml").read_text()
    assert f"procrastinate=={PROCRASTINATE_VERSION}\n" in (root / "constraints.txt").read_text()
