"""Nets that differ in their seed alone, trained together in one batched computation."""
