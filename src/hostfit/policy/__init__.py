"""What the administrator decided: hostfit.toml, conf.d, images.d and their compiled form."""
