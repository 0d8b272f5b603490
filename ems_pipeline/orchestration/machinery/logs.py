"""What runs say, for people or for machines: ``EMS_LOG=json`` makes every line of a run on stderr a JSON object.

``{"at", "level", "job", "run", "step", "message"}``, and what became of a device or a sweep as fields of its own.
Steps of Dagster that went well are left out: they are in its event log. Assets that somebody materialises by hand in
the UI belong to no job of ours and speak to people in any case.
"""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from ems_pipeline import settings
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.plain_text import printable

CONFIG = {"log_level": dg.Field(str, is_required=False, default_value="INFO", description="Nothing below it is shown.")}


def wants_json() -> bool:
    """Whether machines read the log."""
    return settings.LOG.read() == "json"


def fields(of: Outcome | Mapping[str, Any]) -> dict[str, Any]:
    """The ``extra`` of a log line that says what became of something."""
    values = (
        {"site": of.site, "device": of.device, "state": of.state, "why": of.text} if isinstance(of, Outcome) else of
    )
    return {"fields": dict(values)}


class JsonLines(logging.Formatter):
    """A record of a run as one line."""

    def format(self, record: logging.LogRecord) -> str:
        meta: Mapping[str, Any] = getattr(record, "dagster_meta", {})
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "job": meta.get("job_name"),
            "run": meta.get("run_id"),
            "step": meta.get("step_key"),
            "message": record.getMessage() if _is_event(record) else meta.get("orig_message", record.getMessage()),
        }
        return json.dumps(line | getattr(record, "fields", {}), default=str, ensure_ascii=False)


def _is_event(record: logging.LogRecord) -> bool:
    return getattr(record, "dagster_meta", {}).get("dagster_event") is not None


class Words(logging.Formatter):
    """What a run says, without its number, its step and the stack."""

    def format(self, record: logging.LogRecord) -> str:
        said = getattr(record, "dagster_meta", {}).get("orig_message", record.getMessage())
        return f"{record.levelname.lower()}: {printable(str(said))}"


@dg.logger(CONFIG, description="Messages on stderr.")
def words(init: dg.InitLoggerContext) -> logging.Logger:
    """The console of runs in a terminal. That a step failed is not told here: whoever asked for the run says why."""
    return _logger(init, Words(), lambda record: not _is_event(record))


@dg.logger(CONFIG, description="JSON lines on stderr.")
def json_lines(init: dg.InitLoggerContext) -> logging.Logger:
    """The console of runs when machines read it."""
    return _logger(init, JsonLines(), lambda record: record.levelno >= logging.WARNING or not _is_event(record))


def _logger(
    init: dg.InitLoggerContext, formatter: logging.Formatter, is_shown: Callable[[logging.LogRecord], bool]
) -> logging.Logger:
    logger = logging.Logger("ems.runs", init.logger_config["log_level"])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(is_shown)
    logger.addHandler(handler)
    return logger
