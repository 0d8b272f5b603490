"""The process that polls the controllers of gensets and switchboards, and what follows from what they say.

serve       the process: follows the site files, ends when it is told to
yard        all controllers of all sites, and the lines to them
rounds      the cycle of two seconds
shown       who is shown the rounds, each by itself
desk        the socket by which drivers read and ask
routes      a lost way to a site, as one alarm
live        the newest of every controller, for pages and programs
minutes     means of minutes and changes of states, for the warehouse
means       the arithmetic of it, pure
alarms      what stands is stored, and told to people
sequences   runs commands to sets as sequences
steered     whether a site's sets may be told anything now
known       which controllers there are, and what their sites allow them
asked       what a plan wants of a set
journal     what a look writes down
remembered  what is remembered of sets between looks
wakes       commands that are heard of at once
"""
