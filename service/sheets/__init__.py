"""Sheets: files as office machines save them. One reader serves the bundle of the registry and the feeds of calendars.

`decoding` turns the bytes of a file into text, `tables` turns CSV into rows with their lines, `cells` reads what a
spreadsheet makes of a day, a yes, a code and a list.

What is written for spreadsheets has its `columns` described once; `csv_files` and `workbooks` are the two formats.
"""
