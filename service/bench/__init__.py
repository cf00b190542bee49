"""Measurements, each beside a control taken in the same run. The machine is noisy: believe the ratios."""
