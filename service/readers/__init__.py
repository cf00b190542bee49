"""Readers of the one log: the tail that rings everybody, the queues, the events."""
