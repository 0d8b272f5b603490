"""Plan -> set-points: who may ask what of a device, how it is written, whether it was obeyed, and how it is let go.

`authority` resolves envelope, grid limit, overrides and plan to one `Intent` per device; `session` journals, writes and
reads back; `lifecycle` holds the states of a set-point; `verification` looks again; `commissioning` sets one point by
hand. See docs/control.md.

    cycle, runner                             a quarter-hour of all sites at once
    permit, footing, gateways                 may it be told, on which configuration, on whose wire
    authority, commands                       from claims on assets to one command per device
    fleet                                     what is wanted of a fleet, shared out
    envelope, grid_limit, demand              what nobody may make a device do
    beside_car                                batteries that rest while a car charges
    session, wires, live, prepare             a site in work: drivers, journal, writes, echoes
    together                                  questions to the database asked at once
    lifecycle, verification, outcome          what became of a set-point
    effect, genset_effect, verdict            did the power obey
    lead                                      sets started before their quarter-hour
    renewal                                   what devices forget by themselves, told again while it stands
    release                                   a site handed back to itself
    order, commissioning                      one point set by a person
    trouble, missed, arm_alarms               what people are told
"""

from ems_pipeline.control.cycle import run_control
from ems_pipeline.control.release import declare_gone, release_all, release_site
from ems_pipeline.control.renewal import keep_alive
from ems_pipeline.control.verification import run_verification

__all__ = ["declare_gone", "keep_alive", "release_all", "release_site", "run_control", "run_verification"]
