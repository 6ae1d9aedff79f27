"""What the cogs share: cards (`cards`), buttons (`buttons`), who came (`arrivals`), the first
answer to an order (`orders`), the end that reaches the guest for certain (`handover`), a kind
word when something is wrong (`trouble`), a member's picture (`uploads`), completions, the cards
of `/models`, `/server` and `/backend` (`shelves`, `rules`, `backends`, `machines`), those that
follow what takes minutes (`following`), and the postman who knows Discord's ways of editing a
message (`post`).
"""
