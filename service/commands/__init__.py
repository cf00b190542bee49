"""The `sihu` command. Each module has one subject: it adds its arguments to the parser and runs its own commands.

A module with one command names the function of that command `run`; a module with several names each after what it does.

The garbage collector runs seldom in every command. A start loads 150,000 objects, and a sweep makes and drops hundreds
of thousands, none of them in a cycle. With Python's default, a collection after every 700 new objects, the collector
takes a tenth of the start and a third of the sweep.
"""

import gc

gc.set_threshold(100_000, 50, 50)
