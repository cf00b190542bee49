"""The mechanism itself, pure: states, arrows, routes, clocks, access. No clock, no I/O, no framework.

Start with `lifecycle.TRANSITIONS`.
"""
