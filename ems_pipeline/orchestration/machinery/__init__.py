"""Dagster's insides, replaced where its own are too slow, too trusting or too easily gone.

dagster_private                every private name we use
instance                       Dagster's home
storage                        its database, connections kept
launcher, fork_server, worker  a run is forked, not started
coordinator                    clock work waits for nobody
code_server                    keeps the code it has
web_server                     the UI, for its own pages only
in_process                     runs in this process
logs                           what runs say
"""
