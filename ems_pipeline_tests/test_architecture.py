"""The import direction of the design, and who alone may import what."""

import ast
import re
from collections.abc import Iterator, Set
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ems_pipeline

ROOT = Path(ems_pipeline.__file__).parent
LAYERS = {
    "units": 0,
    "time_grid": 0,
    "errors": 0,
    "secret": 0,
    "settings": 0,
    "version": 0,
    "plain_text": 0,
    "sentence": 0,
    "outside": 0,
    "arrays": 0,
    "local_time": 0,
    "sites": 1,
    "pictures": 1,
    **dict.fromkeys(
        [
            "market",
            "weather",
            "devices",
            "forecast",
            "heat",
            "plan",
            "http",
            "notify",
            "mqtt",
            "bitrix",
            "regulation",
        ],
        2,
    ),
    "plant": 3,  # the virtual plant is built on the devices' maps, the houses' physics and the markets' documents
    "audit": 3,
    "gensets": 3,
    "maintenance": 3,
    "homeassistant": 3,  # a program before the HTTP API like any other: no database, no device
    "backtest": 4,
    "report": 4,  # pages of what was settled, and of what backtests found
    "warehouse": 4,
    "control": 5,  # journals before it writes
    "steps": 6,
    "orchestration": 7,
    "scada": 7,  # beside orchestration: it polls controllers, and does to them what sequences say
    "notices": 7,  # beside orchestration, like the next: it tells people, and files what they wish
    "api": 7,  # beside orchestration, which it never imports: it asks for work, it does none
    "web": 8,
    "cli": 9,
    "definitions": 9,
    "preload": 9,
}
"""A module imports only from its own layer's packages or lower layers; a missing name here fails the test."""

ONLY = {
    "dagster": ["orchestration", "definitions", "preload.py"],
    "dagster_postgres": ["orchestration/machinery/storage.py"],
    "highspy": ["plan/solving/solver.py", "preload.py"],
    "pymodbus": ["devices/modbus/wire.py", "devices/modbus/answers.py", "plant", "preload.py"],
    "paho": ["mqtt"],
    "requests": ["http"],
    "ocpp": ["devices/ocpp", "plant"],
    "websockets": ["devices/ocpp", "plant", "api/live"],
    "urllib3": ["http"],
    "sqlalchemy": ["warehouse", "api/address.py"],  # reads addresses of databases
    "fastapi": ["api", "web"],
    "starlette": ["api", "web", "orchestration/machinery/web_server.py"],
    "uvicorn": ["web/serve.py", "api/connection.py"],
    "jwt": ["api/tokens.py", "plant/push_twin.py"],
    "webpush": ["notify/push.py"],
    "cryptography": ["notify/push.py", "plant/push_twin.py"],
    "argon2": ["api/passwords.py"],
    # One request, one transaction on the event loop: the API has a pool of its own, as a login of its own.
    "psycopg": ["warehouse", "api/database.py", "api/rest", "api/live"],
    "psycopg_pool": ["api/database.py"],
    "alembic": ["warehouse", "preload.py"],
    "prometheus_client": ["orchestration/installation/metrics.py", "api/routes/prometheus.py"],
    "lightgbm": ["forecast/gbm.py"],
    "typer": ["cli"],
    "yaml": ["sites", "devices", "maintenance", "regulation/file.py"],
    "pdfplumber": ["regulation/pdf.py"],
    "ruamel": ["sites/revised.py"],
    "babel": ["web"],
    "jinja2": ["web", "report", "api/routes/docs.py"],
}
HEAVY = {"lightgbm", "pvlib", "pandas", "scipy"}
"""Imported inside the function that needs them: most processes never do."""


@cache
def modules() -> dict[str, ast.Module]:
    """Each by its path below the package. A law looks at all of them in one test, and names every breach."""
    paths = sorted(ROOT.rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def imports(tree: ast.Module, top_level_only: bool = False) -> Iterator[str]:
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [alias.name for alias in node.names] if node.module == "ems_pipeline" else [""]
            yield from (f"{node.module}.{name}".rstrip(".") for name in names)


NEVER = {package: {"orchestration", "devices", "control"} for package in ("api", "notices", "web")} | {
    "homeassistant": {"orchestration", "devices", "control", "warehouse", "api"}
}
"""What a package has nothing to do with, whatever the layers say: who hears strangers opens no device."""


def is_private_dagster(name: str) -> bool:
    top, _, below = name.partition(".")
    return (top == "dagster" or top.startswith("dagster_")) and bool(below)


def package(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def top(path: str) -> str:
    return path.partition("/")[0].removesuffix(".py")


def test_imports_point_from_the_outside_to_the_inside() -> None:
    breaches = []
    for path, tree in modules().items():
        own = top(path)
        for name in imports(tree) if own != "__init__" else ():
            inner = package(name) if name.startswith("ems_pipeline") else ""
            if inner in LAYERS and inner != own and LAYERS[inner] > LAYERS[own]:
                breaches.append(f"{path} (layer {LAYERS[own]}) imports {name} (layer {LAYERS[inner]})")
    assert not breaches, "\n".join(breaches)


def test_a_package_has_nothing_to_do_with_what_it_must_not_reach() -> None:
    breaches = [
        f"{path} imports {name}"
        for path, tree in modules().items()
        for name in imports(tree)
        if name.startswith("ems_pipeline") and package(name) in NEVER.get(top(path), ())
    ]
    assert not breaches, "\n".join(breaches)


def test_a_library_is_imported_in_its_one_place() -> None:
    breaches = [
        f"{path} imports {name}"
        for path, tree in modules().items()
        for name in imports(tree)
        if not any(path.startswith(place) for place in ONLY.get(name.split(".")[0], [path]))
    ]
    assert not breaches, "\n".join(breaches)


def test_what_dagster_does_not_promise_is_imported_in_its_one_place() -> None:
    """A release may change a private module without a word: `test_dagster_private.py` says then what to look at."""
    place = "orchestration/machinery/dagster_private.py"
    breaches = [
        f"{path} imports {name}"
        for path, tree in modules().items()
        for name in imports(tree)
        if is_private_dagster(name) and path != place
    ]
    assert not breaches, "\n".join([*breaches, f"take it from {place}"])


@pytest.mark.parametrize(
    ("name", "is_private"),
    [
        ("dagster", False), ("dagster._serdes", True), ("dagster._core.errors", True), ("dagster._", True),
        ("dagster_postgres", False), ("dagster_postgres.utils", True), ("daggers._x", False),
    ],
)  # fmt: skip
def test_only_the_top_of_a_dagster_package_is_its_public_interface(name: str, is_private: bool) -> None:
    assert is_private_dagster(name) == is_private


def test_heavy_libraries_are_imported_where_used() -> None:
    breaches = [
        f"{path} imports {name} when it is loaded"
        for path, tree in modules().items()
        for name in imports(tree, top_level_only=True)
        if name.split(".")[0] in HEAVY
    ]
    assert not breaches, "\n".join([*breaches, "do it inside the function"])


def dotted(path: str) -> str:
    return f"ems_pipeline/{path}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported_modules(tree: ast.Module, known: Set[str]) -> Iterator[str]:
    """Those of our modules that a module imports, inside functions and for types, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inner & known or {node.module}


def test_no_module_imports_itself_by_a_detour() -> None:
    trees = {dotted(path): tree for path, tree in modules().items()}
    graph = {name: set(imported_modules(tree, trees.keys())) - {name} for name, tree in trees.items()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a cycle of imports: {' -> '.join(error.args[1])}; move what both need below both")


def test_every_package_tells_its_rooms() -> None:
    breaches = []
    for path, tree in modules().items():
        folder = (ROOT / path).parent
        if not path.endswith("__init__.py") or "alembic_env" in path:  # its rooms are the migrations
            continue
        told = ast.get_docstring(tree) or ""
        rooms = {p.stem for p in folder.glob("*.py")} - {"__init__"} | {p.parent.name for p in folder.glob("*/*.py")}
        untold = rooms - set(re.findall(r"\w+", told)) - {"alembic_env"}
        breaches += [f"{path} does not say what {room} is for" for room in sorted(untold)]
        lost = set(re.findall(r"(\w+)\.py\b", told)) - rooms
        breaches += [f"{path} names {room}, which is not there" for room in sorted(lost)]
    assert not breaches, "\n".join(breaches)


def test_every_file_that_the_documentation_names_is_there() -> None:
    roots = [ROOT.parent, ROOT, ROOT / "plan"]
    breaches = [
        f"{document.name} names {name}"
        for document in sorted((ROOT.parent / "docs").glob("*.md"))
        for name in re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.(?:py|yaml|sql))`", document.read_text(encoding="utf-8"))
        if not any((root / name).exists() for root in roots)
    ]
    assert not breaches, "\n".join([*breaches, "write where they are now"])


def test_which_plans_may_be_told_to_a_device_is_said_in_one_place() -> None:
    """Migrations stay what they were; the index of the law has to repeat it."""
    sources = [
        *(ROOT.parent / "sql").glob("views/*.sql"),
        *(ROOT.parent / "sql").glob("routines/*.sql"),
        *ROOT.rglob("*.py"),
    ]
    said = [p.name for p in sources if re.search(r"'optimal',\s*'feasible'", p.read_text(encoding="utf-8"))]
    assert said == ["R__vw_07_executable_plan.sql"]
    asked = "ems.vw_executable_plan"
    assert {p.name for p in sources if asked in p.read_text(encoding="utf-8")} == {
        "R__vw_07_executable_plan.sql", "R__fn_plan_in_force.sql", "inventory.py",
        "baselines.py",  # yesterday's plan, though another one held by then
    }, "which plan holds in a slot says fn_plan_in_force"  # fmt: skip


def names_of_protocols(tree: ast.AST) -> Iterator[ast.expr | ast.Match]:
    """Where the name of a protocol or transport is compared with, matched with or looked up among words of a module."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                if any(map(is_protocol, [left, *others])) and any(map(is_words, [left, *others])):
                    yield node
            case ast.Match(subject=subject) if is_protocol(subject):
                yield node
            case ast.Subscript(value=ast.Dict(), slice=key) if is_protocol(key):
                yield node
            case ast.Call(func=ast.Attribute(value=ast.Dict()), args=[key, *_]) if is_protocol(key):
                yield node
            case ast.Call(func=ast.Attribute(value=value, attr="startswith" | "endswith")) if is_protocol(value):
                yield node


def is_protocol(node: ast.AST) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in ("protocol", "transport")


def is_words(node: ast.AST) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(is_words, node.elts))
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_what_a_protocol_needs_is_asked_of_its_record() -> None:
    breaches = [
        f"{path}, line {node.lineno}: {ast.unparse(node)}"
        for path, tree in modules().items()
        for node in names_of_protocols(tree)
    ]
    assert not breaches, "\n".join([*breaches, "make it a field of `Protocol` in sites/protocol.py"])


@pytest.mark.parametrize(
    "line",
    [
        "g.transport != 'http'", "'http' == protocol", "m.protocol in ('http', 'udp')", "{'http': 1}[m.protocol]",
        "{'http': 1}.get(protocol)", "g.transport.startswith('modbus')",
    ],
)  # fmt: skip
def test_a_comparison_with_the_name_of_a_protocol_is_found(line: str) -> None:
    assert list(names_of_protocols(ast.parse(line)))


@pytest.mark.parametrize("name", ["machines", "situation"])
def test_what_is_computed_from_what_was_read_reads_nothing(name: str) -> None:
    """No database in its hands: a step reads for all sites, then computes for each."""
    tree = modules()[f"steps/{name}.py"]
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    held = sorted(named & {"Connection", "Warehouse", "Platform", "connection", "platform"})
    assert not held, f"steps/{name}.py has {held}; read it in steps/known.py"
