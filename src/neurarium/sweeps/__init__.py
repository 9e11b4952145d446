"""Comparison runs: a grid of settings, several seeds each, mean and spread."""
