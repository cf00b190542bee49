"""The registry: units, cells, categories, lines and duties; who answers where."""
