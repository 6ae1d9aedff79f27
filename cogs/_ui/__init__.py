"""What the cogs share: cards (`cards`), buttons (`buttons`), who came (`arrivals`), the first
answer to an order (`orders`), a kind word when something is wrong (`trouble`), and the postman
who knows Discord's ways of editing a message (`post`).
"""
