"""One module per noun: what is answered at its paths, and nothing of how.

health, services, stats, prometheus  how the process and what stands behind it are
me, tokens               who asks, and what programs may
notices                  how one is told of what happens
overview, sites, now     what there is, and how it stands
prices, tempo, forecasts, plans, why, money  what is known, decided, and what it was worth
baselines                what days would have cost otherwise, and more than they had to
telemetry                what was measured
batteries, battery_analytics, battery_units  batteries, what they did and what they say
control, overrides, schedules  wishes for assets, and letting go
genset_commands          commands to generating sets
genset_locks             locks of generating sets
planners                 who plans, who plans beside, and who is better
goals                    what plans are to reach
alarms, events           what a person should know
genset_alarms, genset_alarm_acts, genset_alarm_report  alarms of generating sets: what stands, what people do, rates
maintenance, maintenance_templates, maintenance_tasks, maintenance_meters  services of gensets, due and done
maintenance_drafts       regulations as they were read, until somebody confirms them
bitrix                   tasks in Bitrix24, and its events
documents                what a site's file says, and changing it
devices                  what a site file names, and having it read
studies                  homes lived through again, and what-if of a site
requests                 what was asked of the pipeline
docs                     all of this as a page for people
"""
