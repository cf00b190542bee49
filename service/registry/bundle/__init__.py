"""The bundle: the whole registry, or a part of it, as files. One import checks all of it and writes it at once.

`files` reads a folder or a zip, and `parse` turns the files into a `Bundle` of `rows`. `checks` and `duty_conflicts`
find faults between rows, `changes` plans what to do about stored rows, `importing` does it, and `report` shows it.
"""
