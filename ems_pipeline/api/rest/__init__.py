"""``/rest``: tables, views and functions in the dialect of PostgREST, on the rights of the database's own roles.

Followed is PostgREST 14 (14.17, the version in `docker-compose.yml`): its grammar, statuses, headers and error bodies,
so that a client of it works here on a bare machine. What differs, on purpose:

* Reads only, for relations; what changes something is a function (``POST /rest/rpc/...``).
* A caller bound to sites sees theirs (`relations`); a token of PostgREST is bound to none.
* Casts are of the types that `comparing` lists. Many-to-many relations and relations of views are not derived, spread
  (``...``), aggregates, ``nulls=stripped`` and the OpenAPI root are not offered; each is refused in PostgREST's words.
* An answer has 16 MiB at most; a question 400 parts and 8 levels, and is read to its end.
* Nothing that is asked is a 500: see `refusals`.

    reader, grammar, query         text -> records
    relations, plan                what there is, and the question in its names
    comparing, statement, calling  one SQL statement with parameters
    answering, refusals, route     HTTP
"""
