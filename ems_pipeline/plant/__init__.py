"""The virtual plant: a site's physics behind the real protocols; demo, test bench and back-test in one.

Start one with `running_plant` (free ports, any clock) or `serving` (the site file's ports, for `ems up`); step physics
alone with `World`. What it models and what it leaves out: docs/plant.md.
"""

from ems_pipeline.plant.faults import FAULTS, Fault
from ems_pipeline.plant.plant import Plant, running_plant, serving
from ems_pipeline.plant.recording import read_replay
from ems_pipeline.plant.replay import Replay
from ems_pipeline.plant.world import World

__all__ = ["FAULTS", "Fault", "Plant", "Replay", "World", "read_replay", "running_plant", "serving"]
