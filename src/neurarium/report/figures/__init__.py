"""Figures of what a run has learned: a file a figure."""
