"""Plots with matplotlib: of digits and drawings, of errors, and of the inside of networks.

A plot of one part takes the Axes to draw on (``ax``), or makes new ones, and returns them. A plot
of many parts makes a figure of its own (``figsize``) and returns the Axes of its grid as an array,
as ``pyplot.subplots`` does; their ``figure`` can be saved. All take arrays, lists, tables or
tensors, and a title, which is shown as given: say whose digits they are, and which network.
"""
