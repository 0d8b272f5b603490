"""Commands to a generating set as sequences: fed with snapshots and instants, each answers with one action at most.

order       what was asked, and by whom
rules       what a site allows: who owns start, power, limits of time and number
view        what is seen at an instant, and what is remembered
keys        the controller's keys, and what is never offered
interlocks  why a command is refused now
progress    where a sequence stands, and what it answers
acting      press once, write, see whether it took
beginnings  what each command does first
steps       what each step waits for, and how long
retreat     how a sequence backs out from where it is
advance     one look of a sequence at its set
recall      whose mode a set stands in, its starts, resets and times
"""
