"""GET /metrics: what this process answered, as Prometheus reads it; a scraper sends a token with stats:read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.web import ThisWeb, Web

router = APIRouter(tags=["health"])
SHARES = (0.5, 0.95, 0.99)


class Scraped(Collector):
    """Figures of one process; a time of which nothing is known has no sample."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def collect(self) -> Iterator[Metric]:
        figures = self._web.figures
        answered = CounterMetricFamily("ems_web_requests", "Requests answered since the start.", labels=["status"])
        for status, count in sorted(figures.by_status.items()):
            answered.add_metric([str(status)], count)
        took = GaugeMetricFamily("ems_web_request_seconds", "Within what the last requests ended.", labels=["quantile"])
        for share in SHARES:
            if (found_ms := figures.share_ms(share)) is not None:
                took.add_metric([f"{share:g}"], found_ms / 1000)
        yield answered
        yield took
        yield CounterMetricFamily(
            "ems_web_rate_limited", "Requests refused because somebody asked too often.", self._web.budgets.refused()
        )
        yield GaugeMetricFamily("ems_web_sockets", "WebSockets that are open.", figures.ws_clients)
        uptime_s = time.monotonic() - self._web.started_s
        yield GaugeMetricFamily("ems_web_uptime_seconds", "Since the start of the process.", uptime_s)


@router.get("/metrics", response_class=Response, summary="This process's figures for Prometheus")
async def metrics(web: ThisWeb, _caller: Annotated[Caller, Depends(needs("stats:read"))]) -> Response:
    """Text of Prometheus; at the root alone, where its scrapers look."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Scraped(web))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
