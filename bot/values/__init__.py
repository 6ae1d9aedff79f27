"""What travels through the house: frozen, checked once, plain data, no Discord objects in it.

`request.ImageRequest` goes down the stair, `picture.Picture` comes up. `guest` says who asked
and where to answer. `ability` says what a painter can do.
"""
