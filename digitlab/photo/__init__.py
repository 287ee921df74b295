"""A photo in a notebook: what is read in it, and boxes that a person can correct."""
