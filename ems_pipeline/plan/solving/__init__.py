"""From problem to plan: the rule, rounds of solves, the best verified plan kept, then calm.

solve.py         the whole way              search.py        rounds, the best plan kept
solver.py        HiGHS                      start.py         where it starts
read.py          columns -> plan            exclusive.py     one direction per battery and slot
ties.py          equal and safe: the owner's choice
second.py        equal money: the safest    switches.py      equal money: fewest starts
marginal.py      duals -> values            alternatives.py  other actions, solved again
stakes.py        what counts as nothing
"""
