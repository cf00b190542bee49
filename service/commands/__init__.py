"""The `sihu` command. Each module is one subject, adds its own arguments to the parser, and runs its own commands.

A module with one command calls that function `run`; a module with several names each of them by a verb and a noun.
"""
