"""What the system does, step by step, without Dagster: read, decide, forecast, train, settle, register.

A step reads what it needs of all its sites in a few set-based reads, computes with the domain packages, and writes
once. Assets, the command line and whatever else serves people call the same steps.

    platform                          the warehouse, the clock and the sites
    windows                           the days a step works on, and when they were decided
    shards                            sites shared by several machines
    site_folder, registration         site files -> registry
    reads                             one read for many sites, and what becomes of it where it fails
    known                             all that is stored and that a plan may know, for all sites at once
    situation, machines               what that says of a site and of its machines: pure
    ways                              in which ways load, sun and prices may go, from what forecasts missed: pure
    deciding                          read, plan, verify, store
    shadowing                         the challenger of a site, asked beside the live planner
    contest                           both compared, day by day, and who plans from then on
    replaying                         a decision made again from what was known then
    studying                          backtests: histories found, months lived, results stored
    studied                           what a study came to: savings, coverage, digest
    what_if                           an owner's question, answered by a study
    pricing                           market prices, rates and colours, and the prices of a site
    sky                               weather, as issued and as it was
    forecasting                       load, PV, heat and cars, as known at an instant
    learning, second_source, azimuth  models trained and chosen; a stated plane that does not fit
    heating                           measured COP, and houses fitted
    comparing, regretting             a settled day beside its baselines, and what it cost more than it had to
    settling, scoring                 quarter-hours and days, and their baselines; forecasts scored
    answering, site_documents         what a request over HTTP wants of this machine
    goal_price                        a plan with a goal against the plan without it
    looking                           devices that are in no site yet, for the set-up
    batteries                         who answers a broadcast, and batteries that move
    bitrix                            services told to Bitrix24, and what people did there
    regulations                       what a language model proposes for a regulation
    device_faults                     what devices say of themselves
    demand                            what inputs of the grid's operator ask, for planner and people
"""
