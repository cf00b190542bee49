"""Places: pure geometry, with no database and no framework.

`coordinates` converts between coordinate systems and measures distances; `shapes` finds the cell around a point;
`outlines` tells whether a ring encloses an area; `geojson` reads the shapes of cells from a file.
"""
