"""The one door to SQL: the engine (`engine`), the tables (`tables`), the migrations.

Stores in other rooms (`bot.queue.store`) write the statements about their own rows.
"""
