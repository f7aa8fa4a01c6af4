"""How long it takes: compiled kernels, arrays in and arrays out."""
