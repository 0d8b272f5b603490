"""ems-pipeline: an energy-management system whose every decision can be questioned.

It brings prices, weather and telemetry in, forecasts, plans with a MILP, writes set-points to hardware, proves that
the hardware obeyed, and audits every quarter-hour. Packages stand in the order data flows:

    time_grid, units   quarter-hours, civil days, units and signs      -> no other module does time arithmetic
    sites/             what a site is                                  -> a new fact about an installation
    market/ weather/   what energy costs, what the sky will do         -> a new source or tariff
    devices/ plant/    hardware and its virtual twin                   -> a new device: a point map file first
    forecast/ heat/    what the site will need and make                -> a better model
    plan/              the MILP, its verifier and its explanations     -> a new constraint: one law, one function
    control/           plan -> set-points, their life cycle            -> what may be written, when, and proof of it
    gensets/           controllers of generating sets: maps, links, alarms, sequences   -> a controller map
    maintenance/       services of gensets: templates, checklists, hour meters
    audit/ report/     what it was worth, as tables and pages
    backtest/          history lived through again, and what nobody can beat
    pictures/          slots, flows and days as SVG text               -> a new picture: a record, a function
    warehouse/         PostgreSQL: windowed writes, typed reads "as known at"
    steps/             read, compute, write: what assets and commands do
    scada/             the process that polls controllers of gensets, and what follows from it
    orchestration/     the only package that imports dagster      -> definitions.py is its code location
    api/               the HTTP API: reads, wishes, requests             -> routes/, one module per noun
    web/               pages for people, on the API                   -> pages/, one module and one template a page
    notify/ http/ mqtt/   ways to people; every conversation by HTTP, by MQTT
    homeassistant/     Home Assistant is told of the sites, and what it wants becomes wishes
    bitrix/            a Bitrix24 portal: services as tasks
    regulation/        a maker's regulation becomes the draft of a template
    notices/           people's own channels, and the bot that takes wishes
    cli/               the `ems` command
    settings/          every variable of the environment               -> a new variable
    sentence           a sentence that is read back from its text      -> said in another language
    errors             the base of every error that people read       -> a new refusal: what, and the remedy
    arrays, local_time, plain_text, outside, secret, version, preload    what everybody needs
"""

__version__ = "0.1.0"
