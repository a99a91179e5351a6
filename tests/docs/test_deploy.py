"""The files of docs/deploy match the schemas of Kubernetes and KEDA; their query is right."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes_validate
import psycopg
import pytest
import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from pydantic import ValidationError

from tests.support.database import Database
from tests.tools.docs.pages import DOCS
from wikiembed.config import Settings
from wikiembed.web.server import STOP_S

FOLDER = DOCS / "deploy"
Resource = dict[str, Any]
OLDEST, NEWEST = "1.30", "1.37"
POSTGRESQL_TRIGGER = {
    "host", "port", "dbName", "userName", "sslmode",
    "query", "targetQueryValue", "activationTargetQueryValue",
}  # fmt: skip
"""Of KEDA's page on the scaler: what is always needed where no connection string is given, and
one that is not. A CRD does not know them: there a trigger's metadata are any words."""


def resources(name: str) -> dict[str, Resource]:
    """The resources of one file, by kind."""
    return {one["kind"]: one for one in yaml.safe_load_all((FOLDER / name).read_text())}


def check_keda(resource: Resource) -> None:
    """Assert that KEDA has each field, and that each value is of its type.

    Raises: pydantic.ValidationError.
    """
    model = getattr(keda, resource["kind"]).model_validate(resource)
    kept = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert kept == resource, "a field that KEDA does not know"


def changed(resource: Resource, *path: str | int, value: object) -> Resource:
    """A copy with another value at `path`."""
    copied = copy.deepcopy(resource)
    node: Any = copied
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return copied


@pytest.fixture
def deployment() -> Resource:
    """The Deployment of worker.yaml."""
    return resources("worker.yaml")["Deployment"]


@pytest.fixture
def scaled() -> Resource:
    """The ScaledObject of keda.yaml."""
    return resources("keda.yaml")["ScaledObject"]


@pytest.fixture
def job() -> Resource:
    """The Job of migrate.yaml."""
    return resources("migrate.yaml")["Job"]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_deployment_matches_its_schema(deployment: Resource, version: str) -> None:
    """Of an old and the newest Kubernetes; a misspelt field does not."""
    kubernetes_validate.validate(deployment, version, strict=True)
    wrong = changed(deployment, "spec", "template", "spec", "securityContex", value={})
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_migrate_job_matches_its_schema(job: Resource, version: str) -> None:
    """It runs `migrate` once, as another role than the workers, with few rights on its node."""
    kubernetes_validate.validate(job, version, strict=True)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert (container["args"], pod["restartPolicy"]) == (["migrate"], "Never")
    url, *others = container["env"]
    assert url["valueFrom"]["secretKeyRef"] == {"name": "wikiembed-owner", "key": "database-url"}
    assert {one["name"] for one in others} <= {
        f"WIKIEMBED_{name}".upper() for name in Settings.model_fields
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_console_matches_its_schema(version: str) -> None:
    """With its Service; it has a token, few rights on its node, and probes of its own paths."""
    found = resources("console.yaml")
    assert set(found) == {"Deployment", "Service"}
    for resource in found.values():
        kubernetes_validate.validate(resource, version, strict=True)
    pod = found["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"][0] == "serve"
    (mount,) = [one for one in container["volumeMounts"] if one.get("readOnly")]
    assert container["args"][-2:] == ["--token-file", f"{mount['mountPath']}/tokens"]
    paths = [container[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")]
    assert paths == ["/healthz", "/readyz"]
    assert pod["terminationGracePeriodSeconds"] > STOP_S
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    names = {one["name"] for one in container["env"]}
    assert names <= {f"WIKIEMBED_{name}".upper() for name in Settings.model_fields}
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Service"]["spec"]["selector"] == labels
    page = (FOLDER / "kubernetes.md").read_text()
    assert "create secret generic wikiembed-console " in page


def test_probes_check_the_process_alone(deployment: Resource) -> None:
    """They check the file that the worker touches, and no external service."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (file,) = [one["value"] for one in container["env"] if one["name"] == "WIKIEMBED_ALIVE_FILE"]
    for probe in ("startupProbe", "livenessProbe"):
        command = container[probe]["exec"]["command"]
        assert file in " ".join(command)
        assert "wikiembed" not in " ".join(command)
    assert "readinessProbe" not in container


def test_keda_resources_match_their_schema(scaled: Resource) -> None:
    """Both kinds; a field that is misspelt or of another type does not."""
    found = resources("keda.yaml")
    assert set(found) == {"TriggerAuthentication", "ScaledObject"}
    for resource in found.values():
        assert resource["apiVersion"] == "keda.sh/v1alpha1"
        check_keda(resource)
    with pytest.raises(AssertionError, match="does not know"):
        check_keda(changed(scaled, "spec", "cooldownPeriods", value=1))
    with pytest.raises(ValidationError):
        check_keda(changed(scaled, "spec", "triggers", 0, "metadata", "port", value=5432))


def test_trigger_has_the_fields_of_the_scaler(scaled: Resource) -> None:
    """All of the scaler's fields and no other; the autoscaler divides by the number of workers."""
    (trigger,) = scaled["spec"]["triggers"]
    assert (trigger["type"], trigger["metricType"]) == ("postgresql", "AverageValue")
    assert set(trigger["metadata"]) == POSTGRESQL_TRIGGER
    assert float(trigger["metadata"]["targetQueryValue"]) > 0
    assert scaled["spec"]["minReplicaCount"] == 0 < scaled["spec"]["maxReplicaCount"]


def test_names_agree(deployment: Resource, scaled: Resource) -> None:
    """KEDA scales this Deployment, by this authentication; its labels select its pods."""
    authentication = resources("keda.yaml")["TriggerAuthentication"]
    assert scaled["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["authenticationRef"]["name"] == authentication["metadata"]["name"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert "replicas" not in deployment["spec"]
    page = (FOLDER / "kubernetes.md").read_text()
    secrets = {one["name"] for one in authentication["spec"]["secretTargetRef"]}
    for name in (*secrets, "wikiembed-worker", "wikiembed-owner"):
        assert f"create secret generic {name} " in page
    assert f"create role {trigger['metadata']['userName']} " in page


def test_worker_has_few_rights_and_known_settings(deployment: Resource) -> None:
    """It is not root and writes only to /tmp; the file has no secret."""
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert [m["name"] for m in container["volumeMounts"] if not m.get("readOnly")] == ["tmp"]
    assert pod["terminationGracePeriodSeconds"] > 120
    names = {one["name"] for one in container["env"]}
    assert names <= {f"WIKIEMBED_{name}".upper() for name in Settings.model_fields}
    assert [one for one in container["env"] if "PASSWORD" in str(one) or "@" in str(one)] == []


class Keda:
    """A role with a reader's rights that runs the trigger's query."""

    def __init__(self, database: Database, query: str) -> None:
        self._connection = database.connect(role=database.create_role("keda", grant="reader"))
        self._query = query

    def count(self) -> int:
        """The number of jobs that KEDA would see."""
        ((count,),) = self._connection.execute(self._query.encode()).fetchall()
        assert type(count) is int
        return count


@pytest.fixture
def query(scaled: Resource) -> str:
    """The trigger's query."""
    return str(scaled["spec"]["triggers"][0]["metadata"]["query"])


@pytest.fixture
def counting(docs_table: Database, query: str) -> Keda:
    """A reader of ``docs``."""
    return Keda(docs_table, query)


def add_jobs(database: Database, number: int) -> None:
    """Queue `number` jobs of one chunk."""
    for _ in range(number):
        database.execute("insert into public.docs (body) values ('text')")


JOBS = "wikiembed_queue.procrastinate_jobs"


def test_query_without_a_source_is_zero(database: Database, query: str) -> None:
    """An empty sum would be null, which KEDA cannot read."""
    assert Keda(database, query).count() == 0


def test_query_counts_waiting_and_fetched_jobs(docs_table: Database, counting: Keda) -> None:
    """Fetched jobs count: otherwise their worker would be stopped, or a job never rescued."""
    assert counting.count() == 0
    add_jobs(docs_table, 3)
    assert counting.count() == 3
    docs_table.execute(
        f"update {JOBS} set status = 'doing' where id = (select min(id) from {JOBS})"
    )
    assert counting.count() == 3
    docs_table.execute(f"delete from {JOBS}")
    assert counting.count() == 0


def test_query_omits_paused_sources(docs_table: Database, counting: Keda) -> None:
    """Until the pause ends, by itself or by resume; other sources count meanwhile."""
    docs_table.execute("create table public.more (id int primary key, body text, vec vector(4))")
    docs_table.execute("select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')")
    docs_table.execute("insert into public.more (id, body) values (1, 'text')")
    add_jobs(docs_table, 2)
    assert counting.count() == 3
    docs_table.execute("select wikiembed.pause('docs', 'why', now() + interval '1 hour')")
    assert counting.count() == 1
    docs_table.execute("update wikiembed.sources set resume_at = now() - interval '1 s'")
    assert counting.count() == 3
    docs_table.execute("select wikiembed.pause(null, 'why')")
    assert counting.count() == 0
    docs_table.execute("select wikiembed.resume()")
    assert counting.count() == 3


def test_query_counts_scheduled_jobs_once_due(docs_table: Database, counting: Keda) -> None:
    """A held row is retried later; no worker has to run until then."""
    add_jobs(docs_table, 2)
    docs_table.execute(f"update {JOBS} set scheduled_at = now() + interval '5 minutes'")
    assert counting.count() == 0
    docs_table.execute(f"update {JOBS} set scheduled_at = now() - interval '1 s'")
    assert counting.count() == 2


def test_query_requires_a_readers_rights(docs_table: Database, query: str) -> None:
    """Without them it is refused, and with them the queue itself stays closed."""
    stranger = docs_table.connect(role=docs_table.create_role("stranger"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stranger.execute(query.encode())
    reader = docs_table.connect(role=docs_table.create_role("reader", grant="reader"))
    for statement in (f"select from {JOBS}", "select from public.docs"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement.encode())
