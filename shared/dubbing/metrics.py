"""Prometheus metrics that a process counts itself; what the database knows is read when a scrape asks for it."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class HttpMetrics:
    """Latency and outcome of requests, by route template, never by path."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.latency = Histogram(
            "dubline_http_request_seconds",
            "Time until the response began.",
            ("method", "route"),
            registry=registry,
            buckets=_SECONDS,
        )
        self.responses = Counter(
            "dubline_http_responses", "Responses by status.", ("method", "route", "status"), registry=registry
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self.latency.labels(method, route).observe(seconds)
        self.responses.labels(method, route, str(status)).inc()
