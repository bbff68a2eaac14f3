"""School years: terms, holidays, freezes, and the windows that follow from them."""
