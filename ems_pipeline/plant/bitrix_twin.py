"""A Bitrix24 portal as an inbound webhook meets it: tasks with checklists, people who tick and close, and moods.

It drains its counter of requests by two a second and refuses above fifty, writes HTML into its errors, numbers as
texts and empty objects as lists, as the real one does. REST 3.0 is there or not. Written from b24restdocs (limits.md,
api-reference/rest-v3.md, tasks/**), and not from our client.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlencode, urlsplit

from ems_pipeline.plant import bitrix_said as said
from ems_pipeline.plant.bitrix_said import Fault
from ems_pipeline.plant.refusals import Silent
from ems_pipeline.plant.web_server import running
from ems_pipeline.time_grid import Clock

FAULTS: dict[str, str] = {
    "down": "whoever stands before the portal answers 502 with a page",
    "lost-add": "a task is added and the line is cut before the answer, once",
    "lost-lines": "a batch is done and the line is cut before the answer, once",
    "wrong-code": "the webhook is not known any more: 401",
    "no-plan": "REST is for commercial plans only: 403",
    "no-new-scope": "the webhook has the scope task, and not tasks of REST 3.0: 403 there",
    "overload": "somebody has shut the portal's REST by hand: 503 OVERLOAD_LIMIT",
    "time-spent": "the time of every method is used up: 429 OPERATION_TIME_LIMIT",
    "own-field": "the portal wants a field of its own in every task: 400 with HTML",
    "echo": "a refusal repeats the address it was asked at",
}
"""What the portal does wrong, by name."""
LIMIT, LEAK_PER_S = 50.0, 2.0
NEW = ("tasks.task.add", "tasks.task.get", "tasks.task.update", "tasks.task.chat.message.send")


@dataclass
class BitrixTwin:
    """A portal with one webhook. Its people `tick`, `close`, `reopen` and `delete`."""

    clock: Clock
    user: int = 1
    code: str = "s3cr3tc0de1234567"
    has_new: bool = True
    faults: set[str] = field(default_factory=set)
    tasks: dict[int, said.Task] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    """Methods that were asked for, those within a batch as ``batch:method``."""
    requests: int = 0
    refused_full: int = 0
    level: float = 0.0
    """Of the portal's counter; other programs behind our address raise it, too."""
    address: str = ""
    application_token: str = "w0rd-for-events"
    _kept: dict[tuple[str, str], tuple[str, Any]] = field(default_factory=dict)
    _number: int = 100
    _counted_at: datetime | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def webhook(self) -> str:
        """The secret address as the portal shows it."""
        return f"{self.address}/rest/{self.user}/{self.code}/"

    def tick(self, task_id: int, start: str, by: int = 7, *, is_done: bool = True) -> None:
        """Somebody ticks the line that begins so."""
        now = self.clock.now()
        for line in self.tasks[task_id].lines:
            if line.title.startswith(start) and line.parent:
                line.is_done, line.by, line.at = is_done, by, now
        self.tasks[task_id].changed_at = now

    def close(self, task_id: int, by: int = 7, status: int = 5) -> None:
        """Somebody completes a task; 4: it waits for approval."""
        task, now = self.tasks[task_id], self.clock.now()
        task.status, task.closed_by, task.closed_at, task.changed_at = status, by, now, now

    def reopen(self, task_id: int) -> None:
        task = self.tasks[task_id]
        task.status, task.closed_by, task.closed_at, task.changed_at = 3, 0, None, self.clock.now()

    def delete(self, task_id: int) -> None:
        del self.tasks[task_id]

    def event(self, task_id: int, name: str = "ONTASKUPDATE", token: str | None = None) -> bytes:
        """What the portal's outgoing webhook posts."""
        fields = {
            "event": name, "data[FIELDS_BEFORE][ID]": task_id, "data[FIELDS_AFTER][ID]": task_id,
            "data[IS_ACCESSIBLE_BEFORE]": "undefined", "ts": int(self.clock.now().timestamp()),
            "auth[domain]": "portal.example", "auth[application_token]": token or self.application_token,
        }  # fmt: skip
        return urlencode(fields).encode()

    def ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """A request: status, body and further headers of the answer."""
        with self._lock:
            self.requests += 1
            try:
                result, more = self._answered(path, body, headers)
            except Fault as fault:
                echo = f" at {path}" if "echo" in self.faults else ""
                return fault.status, fault.body(echo), {}
            if isinstance(result, bytes):
                return 502, result, {}
            return 200, json.dumps({"result": result, "time": self._time()}).encode(), more

    def _answered(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
        if "down" in self.faults:
            return b"<html><head><title>502 Bad Gateway</title></head></html>", {}
        parts = urlsplit(path).path.strip("/").split("/")
        is_new = parts[:2] == ["rest", "api"]
        user, code, method = (parts[2:] if is_new else parts[1:]) + [""] * max(0, 4 - len(parts) + is_new)
        is_stranger = (user, code) != (str(self.user), self.code) or (is_new and not self.has_new)
        if is_stranger or "wrong-code" in self.faults:  # without REST 3.0 `api` is a user that nobody knows
            raise Fault(401, "NO_AUTH_FOUND", "Wrong authorization data")
        self._count()
        if "overload" in self.faults:
            raise Fault(503, "OVERLOAD_LIMIT", "REST API is blocked due to overload")
        if "no-plan" in self.faults:
            raise Fault(403, "ACCESS_DENIED", "REST API is available only on commercial plans")
        if "time-spent" in self.faults:
            raise Fault(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")
        self.calls.append(method)
        parameters = json.loads(body or b"{}")
        if is_new:
            return self._new(method, parameters, body.decode(), headers.get("idempotency-key"))
        if method == "batch":
            return self._batch(parameters), {}
        return self._old(method, parameters), {}

    def _count(self) -> None:
        now = self.clock.now()
        gone_s = (now - (self._counted_at or now)).total_seconds()
        self.level, self._counted_at = max(0.0, self.level - LEAK_PER_S * gone_s) + 1, now
        if self.level > LIMIT:
            self.refused_full += 1
            raise Fault(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")

    def _time(self) -> dict[str, Any]:
        now = self.clock.now().timestamp()
        return {"start": now, "finish": now, "duration": 0.1, "operating": 0.1, "operating_reset_at": int(now) + 600}

    def _new(self, method: str, parameters: dict[str, Any], body: str, key: str | None) -> tuple[Any, dict[str, str]]:
        if method == "rest.documentation.openapi":
            return {"openapi": "3.0.0", "paths": {f"/{name}": {} for name in NEW}}, {}
        if method not in NEW:
            raise Fault(404, "BITRIX_REST_V3_EXCEPTION_METHODNOTFOUNDEXCEPTION", "Method not found", is_new=True)
        if "no-new-scope" in self.faults:
            raise Fault(403, "BITRIX_REST_V3_EXCEPTION_INSUFFICIENTSCOPEEXCEPTION", "No scope", is_new=True)
        if key is not None and (method, key) in self._kept:
            former, answer = self._kept[method, key]
            if former != body:
                raise Fault(422, "BITRIX_REST_V3_EXCEPTION_IDEMPOTENCYKEYREUSEDEXCEPTION", "Key reused", is_new=True)
            return answer, {"Idempotency-Key": key, "Idempotent-Replayed": "true"}
        answer = self._said(parameters["fields"]) if method.endswith("send") else self._add_new(parameters["fields"])
        if key is not None:
            self._kept[method, key] = (body, answer)
        self._maybe_cut("lost-add", method == "tasks.task.add")
        return answer, {}

    def _said(self, fields: Mapping[str, Any]) -> Any:
        self._task(fields["taskId"]).chat.append(str(fields["text"]))
        return {"result": True}

    def _add_new(self, fields: Mapping[str, Any]) -> Any:
        unknown = fields.keys() - said.NEW_FIELDS
        missing = {"title", "creatorId", "responsibleId"} - fields.keys()
        if unknown or missing or "own-field" in self.faults:
            faults = [{"field": name, "message": f"Required field `{name}` is not specified"} for name in missing]
            faults += [{"field": "ufOwn", "message": "Wanted here"}] if "own-field" in self.faults else []
            raise Fault(400, said.INVALID, "Error during request object validation", is_new=True, validation=faults)
        task = self._added(str(fields["title"]), fields.get("deadline"), [])
        return {"item": {"id": task.task_id, "title": task.title, "status": "pending", "chatId": 2603}}

    def _added(self, title: str, deadline: str | None, tags: list[str]) -> said.Task:
        if deadline is not None:
            datetime.fromisoformat(deadline)
        self._number += 1
        now = self.clock.now()
        self.tasks[self._number] = said.Task(self._number, title, tags, now, deadline)
        return self.tasks[self._number]

    def _batch(self, parameters: Mapping[str, Any]) -> Any:
        commands = parameters["cmd"]
        results: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for i, (name, text) in enumerate(commands.items()):
            method, _, query = text.partition("?")
            try:
                if i >= said.MOST_IN_BATCH:
                    raise Fault(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
                self.calls.append(f"batch:{method}")
                results[name] = self._old(method, said.php(query, results), is_cut=False)
            except Fault as fault:
                errors[name] = json.loads(fault.body(""))
                if int(parameters.get("halt", 0)):
                    break
        self._maybe_cut("lost-add", any("tasks.task.add" in text for text in commands.values()))
        self._maybe_cut("lost-lines", any("checklistitem.add" in text for text in commands.values()))
        return {"result": results or [], "result_error": errors or [], "result_total": [], "result_next": []}

    def _maybe_cut(self, fault: str, is_due: bool) -> None:
        if is_due and fault in self.faults:
            self.faults.discard(fault)
            raise Silent

    def _old(self, method: str, parameters: Mapping[str, Any], is_cut: bool = True) -> Any:
        methods: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "tasks.task.add": self._add_old, "tasks.task.update": self._update, "tasks.task.list": self._list,
            "tasks.task.complete": self._complete, "task.checklistitem.add": self._add_line,
            "task.checklistitem.getlist": self._lines, "task.checklistitem.complete": self._tick,
            "task.commentitem.add": self._comment,
        }  # fmt: skip
        if method not in methods:
            raise Fault(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
        answer = methods[method](parameters)
        self._maybe_cut("lost-add", is_cut and method == "tasks.task.add")
        return answer

    def _task(self, task_id: Any) -> said.Task:
        """Missing and not ours to see are the same to the portal."""
        task = self.tasks.get(int(task_id)) if str(task_id).isdecimal() else None
        if task is None:
            raise Fault(400, "ERROR_CORE", "TASKS_ERROR_EXCEPTION_#8; Action failed; 8/TE/ACTION_NOT_ALLOWED<br>")
        return task

    def _add_old(self, parameters: Mapping[str, Any]) -> Any:
        fields = parameters["fields"]
        if not fields.get("TITLE") or not str(fields.get("RESPONSIBLE_ID", "")).isdecimal():
            raise Fault(400, "ERROR_CORE", "Task title is not specified<br>")
        if "own-field" in self.faults:
            raise Fault(400, "ERROR_CORE", "Field <b>UF_OWN</b> is required<br>")
        tags = [str(tag) for tag in said.listed(fields.get("TAGS"))]
        return {"task": said.shown(self._added(fields["TITLE"], fields.get("DEADLINE"), tags))}

    def _update(self, parameters: Mapping[str, Any]) -> Any:
        task = self._task(parameters["taskId"])
        task.tags = [str(tag) for tag in said.listed(parameters["fields"].get("TAGS"))]
        return {"task": said.shown(task)}

    def _list(self, parameters: Mapping[str, Any]) -> Any:
        wanted = said.matching(parameters.get("filter") or {})
        found = [said.shown(task) for number, task in sorted(self.tasks.items()) if wanted(task)]
        start = int(parameters.get("start", 0))
        return {"tasks": found[start : start + said.PAGE]}

    def _complete(self, parameters: Mapping[str, Any]) -> Any:
        task = self.tasks.get(int(parameters["taskId"]))
        if task is None or task.status == 5:
            raise Fault(400, "0", "Action on task is not allowed<br>")
        self.close(task.task_id, self.user)
        return {"task": said.shown(task)}

    def _add_line(self, parameters: Mapping[str, Any]) -> Any:
        task, fields = self._task(parameters["TASKID"]), parameters["FIELDS"]
        parent = int(fields.get("PARENT_ID", 0))
        if parent and not any(line.number == parent for line in task.lines):
            parent = 0  # an unknown parent is a new checklist, without a word
        self._number += 1
        is_important = fields.get("IS_IMPORTANT") == "Y"
        task.lines.append(said.Line(self._number, str(fields["TITLE"]), parent, is_important))
        return self._number

    def _lines(self, parameters: Mapping[str, Any]) -> Any:
        return [said.line(line) for line in self._task(parameters["TASKID"]).lines]

    def _tick(self, parameters: Mapping[str, Any]) -> Any:
        for line in self._task(parameters["TASKID"]).lines:
            if line.number == int(parameters["ITEMID"]) and not line.is_done:
                line.is_done, line.by, line.at = True, self.user, self.clock.now()
                return True
        raise Fault(400, "ERROR_CORE", "TASKS_ERROR_EXCEPTION_#8; Action failed; 8/TE/ACTION_NOT_ALLOWED<br>")

    def _comment(self, parameters: Mapping[str, Any]) -> Any:
        self._task(parameters["TASKID"]).chat.append(str(parameters["FIELDS"]["POST_MESSAGE"]))
        self._number += 1
        return self._number


@contextmanager
def serving_bitrix(clock: Clock, *, has_new: bool = True, port: int = 0) -> Iterator[BitrixTwin]:
    """A portal at a port of this machine (0: any free one); its address is the twin's."""
    twin = BitrixTwin(clock, has_new=has_new)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.close_connection = True
            try:
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, reply, more = twin.ask(self.path, body, headers)
            except Silent:
                return
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(reply)), "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # nobody waits any more
                self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the twin is not the one under observation."""

    with running("127.0.0.1", port, Handler) as bound:
        twin.address = f"http://127.0.0.1:{bound}"
        yield twin
