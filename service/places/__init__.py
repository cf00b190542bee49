"""Places: points in four coordinate systems, the shapes of cells, and which cell holds a point. Pure geometry."""
