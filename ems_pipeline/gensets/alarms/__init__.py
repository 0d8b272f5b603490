"""Alarms of generating sets by ISA-18.2: from bits and values of a round of polls to what stands, and who is told.

life      the states of an alarm, and what leads from one to the next
alarm     one alarm that stands, and a step of its life
titles    what the alarms of the controllers are called, and how grave they are
limits    alarms of our own on a value: delays and deadband
design    what is suppressed by design: what says nothing while the engine rests, and all of a lost link
link      a lost controller, and a lost road to a whole site
order     which of several alarms came first
watch     a round of polls becomes steps
flood     when alarms come faster than anybody reads
telling   which alarms people are told of, one by one or in a digest
around    values a minute before and after a shutdown
"""
