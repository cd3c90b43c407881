"""How each family of decoders is read from its configuration, by what its layers store."""
