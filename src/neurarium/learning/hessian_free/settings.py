"""Constants of Hessian-free optimization, as a recipe holds them (no torch)."""

from dataclasses import dataclass

from neurarium.checks import ConfigError


@dataclass(frozen=True)
class HessianFree:
    """How far one Hessian-free step looks before it moves.

    Source: J. Martens, "Deep learning via Hessian-free optimization", 2010, section 4; J. Martens, I. Sutskever,
    "Training deep and recurrent networks with Hessian-free optimization", 2012.
    """

    damping: float = 1.0
    """Levenberg-Marquardt constant at the first step; later steps adapt it."""
    iterations: int = 250
    """Most conjugate-gradient iterations in a step."""
    tolerance: float = 5e-4
    """Relative progress per iteration below which conjugate gradients stop; 0: only at the exact solution."""
    warm_start: float = 0.95
    """Fraction of the last step's direction from which conjugate gradients start, in [0, 1]."""
    curvature: float = 0.25
    """Fraction of the batch on which curvature is taken, in (0, 1]; the gradient takes all of it."""
    preconditioner: float = 0.75
    """Exponent of the preconditioner in [0, 1]; 0: none."""
    backtracking: bool = True
    """Go back over the stored iterates to the one with the lowest objective."""

    def __post_init__(self) -> None:
        ranges = {
            "damping": ("a number > 0", 0 < self.damping < float("inf")),
            "iterations": ("an integer >= 1", self.iterations >= 1),
            "tolerance": ("a number >= 0", self.tolerance >= 0),
            "warm_start": ("a number in [0, 1]", 0 <= self.warm_start <= 1),
            "curvature": ("a fraction in (0, 1]", 0 < self.curvature <= 1),
            "preconditioner": ("a number in [0, 1]", 0 <= self.preconditioner <= 1),
        }
        for name, (expected, holds) in ranges.items():
            if not holds:
                raise ConfigError(f"optimizer.hessian_free.{name}", expected=expected, got=str(getattr(self, name)))
