"""Hessian-free optimisation: Newton steps by products with the curvature, which itself is never written down."""
