"""Order and safety: what was accepted is on disk before anybody is told, and is never lost.

Read in this order to follow one job:
`job` (what a job is, its states) → `store` and `rows` (its row: add, claim, beat, finish,
rescue) → `queue` (submit, cancel, place in line, news) → `worker` (claim, paint, report,
retry), which waits on `health` (whether the painter can be reached).
"""
