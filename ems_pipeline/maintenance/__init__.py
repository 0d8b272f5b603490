"""Services of gensets: what is to be done, when, and how hours of running are counted; nothing here knows the database.

template    levels and tasks of a maintenance plan, read from a file and written in several languages
limits      from what is left to a service on people are warned, and past what the planner has to hold
checklist   which tasks a service consists of
meter       what a reading of an hour meter adds, and what is doubted
"""
