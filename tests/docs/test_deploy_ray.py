"""docs/deploy/ray.yaml has the fields of KubeRay, and pods as Kubernetes has them.

No package has the schemas of KubeRay: the models below follow its definitions, version v1, with
what the file uses; anything else is refused.
"""

from __future__ import annotations

import shlex
from typing import Any, Literal

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tests.docs.test_deploy import FOLDER, NEWEST, OLDEST, Resource, changed
from wikiembed.cli.commands import ENTRIES
from wikiembed.config import Settings


class Known(BaseModel):
    """No other fields, and no conversions between types."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class Autoscaler(Known):
    upscaling_mode: Literal["Default", "Aggressive", "Conservative"] | None = None
    idle_timeout_seconds: int | None = None


class HeadGroup(Known):
    ray_start_params: dict[str, str]
    template: dict[str, Any]


class WorkerGroup(HeadGroup):
    group_name: str
    replicas: int = Field(ge=0)
    min_replicas: int = Field(ge=0)
    max_replicas: int = Field(ge=0)


class ClusterSpec(Known):
    ray_version: str
    enable_in_tree_autoscaling: bool = False
    autoscaler_options: Autoscaler | None = None
    head_group_spec: HeadGroup
    worker_group_specs: list[WorkerGroup]


class JobSpec(Known):
    entrypoint: str
    shutdown_after_job_finishes: bool = False
    backoff_limit: int = Field(default=0, ge=0)
    submission_mode: Literal["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]
    ray_cluster_spec: ClusterSpec


class RayJob(Known):
    api_version: Literal["ray.io/v1"]
    kind: Literal["RayJob"]
    metadata: dict[str, Any]
    spec: JobSpec


@pytest.fixture
def job() -> Resource:
    """The RayJob."""
    (found,) = yaml.safe_load_all((FOLDER / "ray.yaml").read_text())
    assert isinstance(found, dict)
    return found


def pods(job: Resource) -> list[Resource]:
    """The pods' templates: of the head, of the workers."""
    spec = job["spec"]["rayClusterSpec"]
    return [spec["headGroupSpec"]["template"], *(g["template"] for g in spec["workerGroupSpecs"])]


def test_job_has_the_fields_of_kuberay(job: Resource) -> None:
    """A misspelt one, a number for a text and an unknown mode are refused."""
    RayJob.model_validate(job)
    group = ("spec", "rayClusterSpec", "workerGroupSpecs", 0)
    for wrong in (
        changed(job, "spec", "backofLimit", value=1),
        changed(job, *group, "rayStartParams", "num-cpus", value=1),
        changed(job, *group, "maxReplicas", value="16"),
        changed(job, "spec", "submissionMode", value="Job"),
    ):
        with pytest.raises(ValidationError):
            RayJob.model_validate(wrong)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_pods_match_their_schema(job: Resource, version: str) -> None:
    """They have few rights, known settings and no secret."""
    known = {f"WIKIEMBED_{name}".upper() for name in Settings.model_fields}
    for template in pods(job):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, **template}
        kubernetes_validate.validate(pod, version, strict=True)
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["enableServiceLinks"] is False
        assert spec["terminationGracePeriodSeconds"] > 120
        for container in spec["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            environment = container.get("env", [])
            assert {one["name"] for one in environment} <= known
            assert [one for one in environment if "@" in str(one)] == []


def test_parts_of_the_file_agree(job: Resource) -> None:
    """As many pods as actors at most, room for one in each, none on the head; our version."""
    command = shlex.split(job["spec"]["entrypoint"])
    assert command[0] == "wikiembed"
    assert command[1] in ENTRIES
    options = dict(zip(command[2::2], command[3::2], strict=True))
    cluster = job["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    assert int(options["--max"]) == group["maxReplicas"]
    assert options["--cpus-per-worker"] == group["rayStartParams"]["num-cpus"] == "1"
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    pins = (FOLDER.parents[1] / "constraints.txt").read_text().splitlines()
    assert f"ray=={cluster['rayVersion']}" in pins
    # What the fleet leaves unset, the worker's pod sets.
    head, worker = ({e["name"] for e in p["spec"]["containers"][0]["env"]} for p in pods(job))
    assert "WIKIEMBED_EMBEDDER_URL" in worker - head
