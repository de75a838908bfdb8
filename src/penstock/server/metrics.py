"""What a Prometheus server may read of this one: requests, how long they took, who waits, how the loops do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)

Rows = Callable[[], Iterable[tuple[Sequence[str], float]]]
"""Returns the values of the labels, and the number, of each row."""


class _Table(Collector):
    """Numbers of one kind, as a Prometheus registry wants them."""

    def __init__(self, name: str, description: str, labels: Sequence[str], rows: Rows) -> None:
        self._name = name
        self._description = description
        self._labels = labels
        self._rows = rows

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._description, labels=self._labels)
        for labels, number in self._rows():
            family.add_metric(labels, number)
        yield family


class Metrics:
    """Counts requests, and asks the parts of the server for the rest when somebody wants to know."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "penstock_requests", "Requests that were answered.", ["operation", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "penstock_request_seconds",
            "Seconds until a request was answered.",
            ["operation"],
            buckets=BUCKETS,
            registry=self._registry,
        )

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            operation: The name of its route.
            status: What it was answered; 0 when nobody was there any more.
            seconds: How long it took.
        """
        self._requests.labels(operation, str(status)).inc()
        self._seconds.labels(operation).observe(seconds)

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Show a number that is asked for each time."""
        Gauge(name, description, registry=self._registry).set_function(value)

    def watch_all(self, name: str, description: str, label: str, values: Mapping[str, Callable[[], float]]) -> None:
        """Show several numbers of one kind that are asked for each time."""
        gauge = Gauge(name, description, [label], registry=self._registry)
        for one, value in values.items():
            gauge.labels(one).set_function(value)

    def watch_table(self, name: str, description: str, labels: Sequence[str], rows: Rows) -> None:
        """Show numbers of one kind of which it is not known before how many there are.

        Args:
            rows: Asked each time for the labels' values and the number of each.
        """
        self._registry.register(_Table(name, description, labels, rows))

    def text(self) -> bytes:
        """Return everything in Prometheus' text form."""
        return generate_latest(self._registry)
