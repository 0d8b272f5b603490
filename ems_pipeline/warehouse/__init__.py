"""PostgreSQL, and nothing else, behind polars frames: the engine, the embedded server, migrations, writes and reads.

`engine` finds or starts the database, `migrate` brings the schema up, `frames` moves frames in and out by COPY, `known`
holds the bitemporal rules; the remaining modules are one subject each. All SQL of the program is here or in `sql/`.
Add a read here when an asset needs a table in a shape of its own.

    engine, embedded, local, programs                        where the database is, and the server that comes with us
    home_lock, supervision, holders, logins, roles           who may be there, and for how long
    people                                                   who may log in to the web process
    channels, told, chats, glances                           how each is told, what was, and what the bot asks
    migrate, catalogue, contents, backup, transfer           the schema, what it means, the rows kept and moved
    frames, known                                            COPY in, typed frames out; what was known when
    clocks, zone_tables                                      local time, written down once
    sites, beginnings                                        the registry
    market, forecasts, models, buildings                     prices, forecasts, trained models, fitted houses
    misses                                                   what forecasts of the last days missed
    points, telemetry, rest, retention, counters, health     what devices said, and how they behave
    found_batteries                                          who answered a broadcast, and where
    plans, why, events                                       decisions, what stands behind one, what the grid asks
    planners                                                 who was promoted, what challengers have shown
    genset_commands                                          commands to generating sets, their steps and locks
    genset_locks                                             locks of generating sets
    goals                                                    what people want plans to reach
    arming, overrides, gateway_lock, served, control_misses  what control may do, must do, and has done
    claims, intents                                          what is wanted of an asset; what a device is to be told
    setpoints, setpoint_lives, point_maps                    the journal, and the maps it was written by
    audits, accounts, inventory                              what it was worth, and how things stand
    baselines, regrets, versions                             what it might have been worth, and why it was not
    studies                                                  what it would have been worth: backtests
    asked                                                    what was asked for over HTTP
    maintenance, services, meters                            services of gensets, what is due, hours of running
    drafts                                                   regulations that nobody has confirmed yet
    bitrix, bitrix_post                                      tasks in Bitrix24, and what is still to be said there
    alarms, live                                             what a person should know, and who listens
    genset_alarms, genset_alarm_desk                         alarms of gensets: rounds stored; what people do
"""

from ems_pipeline.warehouse.engine import DatabaseUnavailable, Warehouse, open_warehouse

__all__ = ["DatabaseUnavailable", "Warehouse", "open_warehouse"]
