"""Measurements. Each stands beside a control from the same run, since the machine is noisy: trust the ratios alone."""
