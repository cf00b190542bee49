"""Appraisal: the figures of a month, each with the calls behind it."""
