"""Look into back-propagation through any net: what each layer makes, and what comes back to it."""

from neurarium.learning.trace.result import LayerTrace, Trace
from neurarium.learning.trace.tracing import trace

__all__ = ["LayerTrace", "Trace", "trace"]
