"""Runtimes: what computes a network's answers, behind one small interface.

`runtime` defines the interface, and wraps functions; `keras_model` and `litert` implement it, too.
`wrapping` chooses among them, so that the recognizer need not know which of them it has.
"""
