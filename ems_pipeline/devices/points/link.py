"""How requests to a device must be shaped, whatever its points mean: the `link` of a point map.

Add a field here when a wire, a gateway or a web service wants to be asked in a way that none of these expresses.
"""

from __future__ import annotations

from string import Formatter
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MapRecord(BaseModel):
    """Base: immutable, no unknown keys, every number a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Link(MapRecord):
    """How requests must be shaped for this device."""

    read_function: Literal[3, 4] = 3
    write_function: Literal[6, 16] = 16
    also_functions: tuple[Literal[3, 4, 6, 16], ...] = ()
    """Functions the device takes beside these two; drivers use those alone, the virtual plant takes all."""
    max_read: int = Field(125, ge=1, le=125)
    max_write: int = Field(123, ge=1, le=123)
    max_hole: int = Field(0, ge=0, le=100)
    """Unmapped registers a block read may run over; 0 where one invalid address fails the whole request (Samsung)."""
    even: bool = False
    """Start and count must be even (Eastron)."""
    gap_s: float = Field(0.02, ge=0, le=5)
    """Silence after an answer before the next request to this device."""
    serial: str = ""
    request: str = "{path}"
    """HTTP: the address of a point's request. A `path` that is all of it is taken as it stands; one within a longer
    address is a name and gets encoded."""
    write: str | None = None
    """HTTP: the address that sets a point, with {path} and {value}."""
    field: str | None = None
    """HTTP: where the value stands in every answer whose point names no `field`."""
    login: Literal["basic", "digest"] = "basic"
    """HTTP: how the device wants user and password of its gateway (RFC 7617, RFC 7616)."""
    set_method: str | None = None
    """UDP: the method that sets points; what it is told stands in the `forms` of a point."""
    instances: dict[str, str] = Field(default_factory=dict)
    """MQTT: what stands in braces in the paths of points, and the path that says which number it is
    (`{vebus: system/0/VebusInstance}`)."""

    @model_validator(mode="after")
    def _names_its_parts(self) -> Self:
        for name, text, parts in (("request", self.request, {"path"}), ("write", self.write, {"path", "value"})):
            found = text and {part for _, part, _, _ in Formatter().parse(text) if part is not None}
            if found is not None and found != parts:
                wanted = " and ".join(f"{{{part}}}" for part in sorted(parts))
                raise ValueError(f"{name} {text!r} must name {wanted} and nothing else in braces")
        return self
