"""A battery that does not exist, as unkind as real ones: remote control that must be confirmed, orders that live for a
minute, a heartbeat, a register that cannot be read."""

from __future__ import annotations

from pathlib import Path

MADE_UP = """
map: made-up-battery
title: A battery of nobody
driver: recipe
protocol: modbus
silence: Orders and remote control are forgotten after 60 s; then it works by itself.
sources: ["nobody: it is made up"]
link: {write_function: 16}
points:
  power: {address: 10, type: s16, unit: W, range: [-6000, 6000], quantity: battery_power_w}
  soc: {address: 11, unit: "%", range: [0, 100], quantity: battery_soc_pct}
  remote_state: {address: 12, labels: {0: by itself, 1: remote}}
  remote_wanted: {address: 20, range: [0, 1], access: w, proved_by: remote_state, group: setting, expires_s: 60}
  order: {address: 21, type: s16, scale: 10, sign: -1, unit: W, range: [-5000, 5000], access: rw, group: setting,
          expires_s: 60, only_while: {remote_state: [1]}}
  life: {address: 22, range: [0, 99], access: rw, group: setting, expires_s: 60, heartbeat: true}
recipe:
  modes:
    self-use: [{point: life}, {point: remote_wanted, to: 0}]
    hold: [{point: life}, {point: remote_wanted, to: 1}, {point: order, to: power_w}]
    charge: [{point: life}, {point: remote_wanted, to: 1}, {point: order, to: power_w}]
    discharge: [{point: life}, {point: remote_wanted, to: 1}, {point: order, to: power_w}]
  release: [{point: remote_wanted, to: 0}]
"""


def written_to(folder: Path, text: str = MADE_UP) -> Path:
    """The map's file in a folder."""
    file = folder / "made-up-battery.yaml"
    file.write_text(text, encoding="utf-8")
    return file
