"""What happens, told as it happens: one connection that listens to the database, many that are told.

feed     the connection that listens, and what it reads when it hears something
gensets  live values of controllers: how they stand, and what of them is new
topics   what can be followed, by whom, and what is sent of it
hub      who is told what, in which order, and what became of those who are too slow
told     the records both sides know
socket   the protocol of ``/ws`` and ``/ws/metrics``
parley   one client: words in, words out
"""
