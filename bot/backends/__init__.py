"""The painters: one file a kind, one table (`registry`) from kind to class.

`base.Backend` is the small face that the rest of the house sees. `http` is the one careful
client beneath them all: it translates every foreign error once, so that only our own errors
leave this room.
"""
