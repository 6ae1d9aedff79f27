"""Order and safety: what was accepted is on disk before anybody is told, and is never lost.

Read in this order to follow one job:
`job` (what a job is, its states) → `store` and `rows` (its row: add, claim, beat, finish,
rescue) → `queue` (submit, cancel, place in line, news) → `worker` (claim, retry, calm stop),
which waits on `health` (whether the painter can be reached) → `attempt` (call after call until
all pictures are on disk; what a cancel saves), whose progress `watch` makes sense of.
"""
