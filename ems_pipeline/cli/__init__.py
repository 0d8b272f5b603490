"""The `ems` command: everything an owner, integrator or operator does from a terminal.

One module per noun. Exit codes: 0 done, 1 the thing asked for failed (the message says why and what to do), 2 the
command was used wrongly. Heavy imports stay inside commands, so that `ems --help` answers at once.

    app                                            the root command, and how errors are shown
    up, demo, backfill                             the installation, a demonstration, the past
    web, user, channel, notify                     the HTTP API, who may log in to it, and how people are told
    homeassistant                                  Home Assistant is told of the sites
    site, control, schedule, goal, event, device, watch  sites, devices, and what is asked of them
    gensets, genset_commands, genset_alarms        generating sets: maps, how they stand, commands, alarms
    battery                                        batteries of this network
    plant                                          what goes wrong at the virtual plant
    maintenance, regulation                        services of gensets; a maker's regulation as a draft
    status, cadence                                how things stand
    doctor, checkup, reach, doors                  what is wrong, from outside too; what is open
    why, replay, backtest, what_if                 what stands behind a quarter-hour; decisions and years made again
    plan, db                                       a planner problem; the database
    terminal, progress, aside                      what a terminal is shown, and work that a signal ends
    number, wall_clock, who                        what people type
"""

from ems_pipeline.cli.app import app

__all__ = ["app"]
