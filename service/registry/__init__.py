"""The registry: units, cells, categories, lines of work and duties; who is responsible for what, and where.

`routes` looks things up in the world in memory. `duties` proposes, approves and refuses duties for the requests that
`duty_routes` takes. `bundle` imports the whole registry from files. `views` and `schemas` are what answers and requests
hold.
"""
