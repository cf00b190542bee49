"""The `sihu` command. Each module has one subject: it adds its arguments to the parser and runs its own commands.

A module with one command names the function of that command `run`; a module with several names each after what it does.
"""
