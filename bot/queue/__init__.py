"""The line: orders wait here, safe and in a fair order, until a painter is free.

One job's way, file by file: `job` says what a job is. `door` holds it against the caps. `queue` is
the desk that takes it: its row is written by `store` (read back by `rows`) before anybody is told.
`standing` knows whose turn it is: `line` holds the waiting ones by their `turns`, `fairness` is
its arithmetic, `places` tells where each stands and how long it may take, `register` counts who
is inside; `stopwatch` measures, whatever is done to the clock. A `worker` claims it for a painter
whose `health` is good, unless the `backlog` of what awaits its delivery is full; an `attempt` is
one try at it, `watch` makes sense of what the painter tells meanwhile. At its end `ledger` writes
the operators' one line; `past` reads what the rows remember of it, until `retention` forgets it
(its SQL is in `attic`).
"""
