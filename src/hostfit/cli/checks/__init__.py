"""What `hostfit doctor` looks at: the installation itself, and each engine's way to a container. Nothing is changed."""
