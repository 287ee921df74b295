"""A photo in a notebook: what is read on it, and boxes that a person can correct."""
