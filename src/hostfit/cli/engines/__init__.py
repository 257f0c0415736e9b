"""How each container engine is told about hostfit, and how to see whether it was: used by `setup` and `doctor`."""
