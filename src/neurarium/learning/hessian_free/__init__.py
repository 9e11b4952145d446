"""Hessian-free optimization: Newton steps by products with the curvature, which itself is never written down."""
