"""Counters that every process keeps and ``/metrics`` shows; safe with several processes through a shared folder."""

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from wms.settings import Settings

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0)

REQUESTS = Histogram(
    "dongting_request_seconds",
    "Time of a request by route and status.",
    ("method", "route", "status"),
    buckets=SECONDS,
)
JOBS = Counter("dongting_jobs_total", "Jobs run by name and outcome.", ("task", "outcome"))
JOB_SECONDS = Histogram("dongting_job_seconds", "Time of a job by name.", ("task",), buckets=(0.1, 1, 5, 30, 120, 600))
READY = Gauge("dongting_ready", "1 when the part is ready, else 0.", ("part",), multiprocess_mode="mostrecent")


def exposition(settings: Settings) -> bytes:
    """All processes' counters in Prometheus' text format; this process's alone when it was started by itself."""
    if settings.metrics_dir is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=str(settings.metrics_dir))  # type: ignore[no-untyped-call]
    return generate_latest(registry)
