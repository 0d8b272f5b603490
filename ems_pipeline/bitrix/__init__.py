"""Bitrix24, a service in which people keep their tasks: what a portal says and does. Nothing here knows the database.

What is said when, and what is kept of it: `steps.bitrix` and `warehouse.bitrix`.

    order    what is to be done, as a task with a checklist, and what people did of it
    address  the secret address of an inbound webhook
    refusal  how a portal says no, by what there is to do about it
    reading  numbers, instants and objects as PHP writes them
    bucket   how often a portal may be asked
    portal   one call at a time, or fifty in a batch
    tasks    a task with its checklist: found or added, filled, looked at, closed
    event    what a portal posts to us when a task changes
"""
