"""The devices of a site.

address.py    where a gateway really is    options.py    limits and sizes it is told
obedience.py  what it can obey             reach.py      what set-points can do at most
"""
