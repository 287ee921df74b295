"""Plots, with matplotlib: digits and drawings, errors, and the inside of networks."""
