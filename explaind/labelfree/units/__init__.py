"""Single units of an encoder: their maps, how much these overlap, what a unit responds to most."""
