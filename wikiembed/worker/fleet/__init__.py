"""Workers as Ray actors: how many there are, on what, and what ends them.

`queues` reads the databases, `policy` decides, `fleet` acts on it by `actors`, `cluster` is the
only module that imports Ray, `actor` is what runs on the nodes, and `keeper` outlives what Ray does
to a process that loses its cluster.
"""
