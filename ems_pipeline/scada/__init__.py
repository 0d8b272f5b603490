"""The process that polls controllers, and who follows its rounds.

sequences   runs commands to sets as sequences
steered     whether a site's sets may be told anything now
known       which controllers there are, and what their sites allow them
asked       what a plan wants of a set
journal     what a look writes down
"""
