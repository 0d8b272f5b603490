"""What devices are told, and why: powers -> modes with limits, each with a reason that follows from the plan.

rows.py             what is stored and executed    decision.py         one device, one slot
modes.py            batteries                      modes_devices.py    everything else
reasons.py          why, batteries                 reasons_devices.py  why, everything else
sentences.py        what is said, once         limits.py           names of what binds
next_best.py        the best other action          explain.py          for people: words and a picture
reasons_gensets.py  why, generating sets       reasons_loads.py    why, loads with a run time
members.py          a fleet's rows as those of its batteries
"""
