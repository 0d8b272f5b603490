"""The HTTP API: one process beside the pipeline, with a database login of its own and no way to a device.

It reads what is stored and files wishes and requests; everything that is done is done by the pipeline.

    app, web, connection                          the application, what a process has, and its connections
    routes, schema                                what is answered, a module per noun, and how it is told
    requestlog, lines, guards, hot, bodies, asgi  the layers that every request passes, from the outside
    asked, problems, fields                       the request in hand; what is wrong with it; what it is made of
    caller, rights                                who asks, and what they may
    people, passwords, sessions, tokens, remembered, together  how somebody is known
    limits, figures                               how often somebody may ask; what was answered
    database, address                             transactions in a caller's name, and where
    reading, pages, windows, values, parts_of_sites  rows, pages of them, times, fields and names of answers
    filing, wishes                                requests and overrides, the two ways to ask for something
    kept                                          what never changes, made once
    once, rehearsal                               a write is done once under its key, or only tried
    edge                                          units of the warehouse -> units of the API
    holding                                       what holds now, as terms of SQL
    battery_rows                                  batteries with what is known of them
    service_rows                                  services of gensets: what is due, orders, what was done
    rest                                          tables, views and functions in PostgREST's dialect
    live                                          what happens, as it happens
    parts                                         how the installation stands, as seen from here
"""
