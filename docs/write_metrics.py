"""`make docs`: writes the table of the metrics in docs/operations.md from their declarations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client.metrics import MetricWrapperBase

from shopforum.cli import worker_metrics
from shopforum.core.metrics import REGISTRY

PAGE = Path(__file__).with_name("operations.md")
_BEGIN, _END = "<!-- metrics: written by make docs -->\n", "<!-- /metrics -->"


def written(page: str) -> str:
    """The page with the table of today."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + "".join(_rows()) + _END + after


def _rows() -> Iterator[str]:
    yield "| metric | type | labels | what it is |\n|---|---|---|---|\n"
    # A registry keeps the metrics in the order of their declarations; a metric without a count has no sample, so its labels
    # are asked of the metric itself.
    for metric in REGISTRY._collector_to_names:  # noqa: SLF001
        if isinstance(metric, MetricWrapperBase):
            yield _row(*metric.describe(), metric._labelnames)  # noqa: SLF001
    for family in worker_metrics.declared().values():
        yield _row(family, family._labelnames, "worker: ")  # noqa: SLF001


def _row(family: Any, labels: tuple[str, ...], where: str = "") -> str:
    name = family.name + ("_total" if family.type == "counter" else "")
    return f"| `{name}` | {family.type} | {', '.join(labels)} | {where}{family.documentation} |\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
