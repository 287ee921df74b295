"""Exports: a trained network for TensorFlow.js, for LiteRT, and as a web page."""
