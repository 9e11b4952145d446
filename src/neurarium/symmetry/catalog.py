"""Every law by name; a net's spec says which of them it keeps (`NetSpec.laws`), and the tests hold it to them."""

from neurarium.symmetry.causal import CAUSALITY, STREAMING
from neurarium.symmetry.laws import Law
from neurarium.symmetry.permutation import BATCH, HIDDEN_UNITS
from neurarium.symmetry.shift import SHIFT_OF_FEATURES

LAWS: dict[str, Law] = {law.name: law for law in (BATCH, HIDDEN_UNITS, SHIFT_OF_FEATURES, CAUSALITY, STREAMING)}
