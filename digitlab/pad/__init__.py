"""The drawing pad: a widget for notebooks that reads what is drawn on it."""
