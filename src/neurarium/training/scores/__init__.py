"""How well a net does what it is for: numbers predicted, examples reconstructed, modelled, made or recalled.

Classifiers are measured by `training.evaluation`.
"""
