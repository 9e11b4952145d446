"""Augmentation: a net sees its examples under transformations that leave their class as it is."""

from neurarium.learning.augmentation.settings import Augmentation

__all__ = ["Augmentation"]
