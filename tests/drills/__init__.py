"""Drills: the service is broken on purpose, and a ledger of what it acknowledged is held against the database.

Nothing here imports the service: it runs in processes of its own, and is judged by what it answers and stores.
"""
