"""Samples of a page of metrics, as Prometheus reads them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Samples:
    """The samples of a page by name and labels; `kinds` of the families by name."""

    def __init__(self, page: str) -> None:
        families = list(text_string_to_metric_families(page))
        self.kinds = {family.name: family.type for family in families}
        self.values: dict[tuple[str, Labels], float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    @property
    def names(self) -> set[str]:
        """The names of all samples."""
        return {name for name, _ in self.values}

    def of(self, name: str, **labels: str) -> float | None:
        """The sample with exactly these labels; None: there is none."""
        return self.values.get((name, frozenset(labels.items())))

    def by(self, name: str, label: str) -> dict[str, float]:
        """Sums of the samples of `name` by the values of one label."""
        found: dict[str, float] = {}
        for (one, labels), value in self.values.items():
            if one == name:
                key = dict(labels).get(label, "")
                found[key] = found.get(key, 0.0) + value
        return found
