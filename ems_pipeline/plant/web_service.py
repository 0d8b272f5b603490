"""What an HTTP device of the plant answers: a Miniserver's objects by name, or JSON as its point map reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.plant import shelly_rpc
from ems_pipeline.plant.local_charger_twins import GoETwin, WifiChargerTwin
from ems_pipeline.plant.refusals import BUSY, Refused
from ems_pipeline.plant.switch_calls import with_other_words
from ems_pipeline.plant.twin import Twin
from ems_pipeline.plant.twins import LoxoneTwin
from ems_pipeline.plant.web_server import Answer, Ask

GO_E_STATUS = "/api/status"
IO_PATH = "/jdev/sps/io/"
SWITCHED = {"true": True, "false": False, "on": True, "off": False}
Key = tuple[str, tuple[tuple[str, str], ...]]
"""Path and sorted query of a request."""


def web_service(twins: Sequence[Twin], *, has_login: bool = False) -> Ask:
    """The web service of the twins behind one gateway."""
    miniservers = [t for t in twins if isinstance(t, LoxoneTwin)]
    if miniservers:
        return _miniserver(miniservers)
    return with_other_words(shelly_rpc.with_calls(_documents(twins, has_login=has_login)))


def _documents(twins: Sequence[Twin], *, has_login: bool) -> Ask:
    """Documents that hold the points of every twin where its map looks for them, and what it says of itself."""
    told = {
        path: document
        for twin in twins
        for path, document in shelly_rpc.about(twin.point_map.map, has_login=has_login).items()
    }
    served: dict[Key, tuple[Twin, list[Point]]] = {}
    for twin in twins:
        for point in twin.point_map.points:
            key = _key(twin.point_map.link.request.format(path=point.path))
            served.setdefault(key, (twin, []))[1].append(point)

    setting = {
        _key(point.set_path.format(value=word)): (twin, point, raw)
        for twin in twins
        for point in twin.point_map.points
        if point.set_path is not None
        for raw, word in point.words.items()
    }
    keyed = next((twin for twin in twins if isinstance(twin, GoETwin)), None)
    writable = {place: one for twin in twins for place, one in _writable(twin)}

    def ask(path: str, query: Mapping[str, str], _body: bytes) -> Answer:
        if path in told:
            return 200, json.dumps(told[path]).encode()
        asked = (path, tuple(sorted(query.items())))
        if asked in setting:
            return _set(*setting[asked])
        for name, value in query.items():
            if found := writable.get((path, name)):
                return _written(*found, value)
        twin, points = served.get(asked, (None, []))
        if twin is None and path == GO_E_STATUS and keyed is not None:
            return 200, json.dumps(keyed.keys_asked(_document(keyed, keyed.point_map.points), query)).encode()
        if twin is None:
            return 404, json.dumps({"code": 404, "message": f"No handler for {path}"}).encode()
        try:
            twin.check_alive()
        except Refused as refused:
            return (503 if refused.code == BUSY else 500), json.dumps({"message": str(refused)}).encode()
        return 200, json.dumps(_document(twin, points)).encode()

    return ask


def _key(address: str) -> Key:
    parts = urlsplit(address)
    return "/" + unquote(parts.path), tuple(sorted(parse_qsl(parts.query)))


def _set(twin: Twin, point: Point, raw: int) -> Answer:
    """Take what a request sets, as a device answers that keeps nothing to itself."""
    try:
        twin.check_alive()
    except Refused as refused:
        return (503 if refused.code == BUSY else 500), json.dumps({"message": str(refused)}).encode()
    value = codec.to_site(point, raw)
    if value is None:
        return 400, json.dumps({"message": "no such value"}).encode()
    twin.put({point.name: value})
    return 200, json.dumps(_document(twin, [point])).encode()


def _said(point: Point, raw: float) -> float | str | bool:
    """A raw number as the document has it: by its word where the point has words, true or false where those are of a
    Shelly's switch."""
    if raw not in point.words:
        return raw
    word = point.words[int(raw)].partition("&")[0]
    return SWITCHED.get(word, word)


def _writable(twin: Twin) -> Iterator[tuple[tuple[str, str], tuple[WifiChargerTwin, Point]]]:
    """Points by path and parameter of the address that sets them."""
    if not isinstance(twin, WifiChargerTwin):
        return
    for point in twin.point_map.points:
        if point.writable:
            parts = urlsplit((twin.point_map.link.write or "").format(path=point.written_as, value="x"))
            yield ("/" + parts.path, parse_qsl(parts.query)[0][0]), (twin, point)


def _written(twin: WifiChargerTwin, point: Point, text: str) -> Answer:
    try:
        twin.check_alive()
        value, quality, _ = codec.judge(point, codec.to_site(point, float(text)))
    except Refused as refused:
        return (503 if refused.code == BUSY else 500), json.dumps({"message": str(refused)}).encode()
    except ValueError:
        value, quality = None, Quality.GARBAGE
    is_taken = value is not None and not quality and not 0 < value < (point.min_nonzero or 0.0)
    if is_taken and value is not None:
        twin.put({point.name: value})
    return 200, twin.answers(point, is_taken=is_taken)


def _document(twin: Twin, points: Sequence[Point]) -> Any:
    with twin.world.lock:
        twin.world.advance()
        live = twin.live()
        values = {
            (p.field or twin.point_map.link.field or "").partition("|")[0]: _said(
                p, codec.to_raw(p, twin.value(p, live))
            )
            for p in points
        }
    return _nested(values | {p.true_field: True for p in points if p.true_field})


def _nested(fields: Mapping[str, Any]) -> Any:
    """Dotted paths as a tree; a level whose keys are all numbers is a list."""
    if "" in fields:
        return fields[""]
    heads = dict.fromkeys(name.partition(".")[0] for name in fields)
    tree = {
        head: _nested({n.partition(".")[2]: v for n, v in fields.items() if n.partition(".")[0] == head})
        for head in heads
    }
    if not all(head.isdecimal() for head in tree):
        return tree
    return [tree.get(str(i), 0) for i in range(1 + max(map(int, tree)))]


def _miniserver(twins: Sequence[LoxoneTwin]) -> Ask:
    """The web service of a Miniserver that shows the twins' points by their object names."""
    objects = {p.path: (twin, p) for twin in twins for p in twin.point_map.points if p.path is not None}

    def ask(path: str, _query: Mapping[str, str], _body: bytes) -> Answer:
        name, _, written = unquote(path).removeprefix(IO_PATH).partition("/")
        found = objects.get(name) if path.startswith(IO_PATH) else None
        if found is None:
            return 200, _envelope(path, 404, "")
        twin, point = found
        try:
            twin.check_alive()
        except Refused as refused:
            return 200, _envelope(path, 503 if refused.code == BUSY else 500, "")
        if written:
            try:
                value, quality, _ = codec.judge(point, codec.to_site(point, float(written)))
            except ValueError:
                return 200, _envelope(path, 400, "")
            if not point.writable or value is None or quality:
                return 200, _envelope(path, 400, "")
            twin.put({point.name: value})
        return 200, _envelope(path, 200, twin.text(point))

    return ask


def _envelope(path: str, code: int, value: str) -> bytes:
    return json.dumps({"LL": {"control": path.lstrip("/"), "value": value, "Code": str(code)}}).encode()
