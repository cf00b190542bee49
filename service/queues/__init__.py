"""Queues: what a unit has to do, for systems that poll."""
