"""Prometheus reads what was answered; what is not known has no sample, and strangers read nothing."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from ems_pipeline_tests.api.conftest import House


def samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_scrape_counts_what_was_answered_before_it(house: House) -> None:
    program = house.program("stats:read")
    house.web.figures.by_status.clear()
    house.web.figures.times_ms.clear()
    first = samples(program.get("/metrics").text)
    assert [name for name, _ in first if "request" in name] == [], "nothing was answered yet"
    for _ in range(3):
        program.get("/api/v1/me")
    program.get("/api/v1/sites/home9")
    second = samples(program.get("/metrics").text)
    assert second["ems_web_requests_total", "200"] == 4.0, "the scrape before counts"
    assert second["ems_web_requests_total", "403"] == 1.0
    assert second["ems_web_request_seconds", "0.95"] >= second["ems_web_request_seconds", "0.5"] > 0.0
    assert second["ems_web_sockets", ""] == 0.0


def test_who_asks_too_often_is_counted(house: House) -> None:
    program = house.program("stats:read")
    answers = [program.get("/api/v1/me").status_code for _ in range(45)]
    assert answers.count(429) == 5, "forty at once"
    house.seconds.at += 3600.0
    assert samples(program.get("/metrics").text)["ems_web_rate_limited_total", ""] == 5.0


def test_strangers_read_no_figures(house: House) -> None:
    assert house.client.get("/metrics").status_code == 401
    assert house.program("plans:read").get("/metrics").status_code == 403
    assert house.program("stats:read").get("/api/v1/metrics").status_code == 403, "there they are values of controllers"
    assert house.program("telemetry:read").get("/api/v1/metrics").json()["process"] is None
