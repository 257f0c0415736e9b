"""A client for OCI registries (distribution-spec 1.1), for the commands and whoever fetches; never on the hot path.

    access = Access(paths.etc)                                  # access.py: this host's configuration
    name = reference("registry.example/free5gc/upf:v4")
    deadline = Deadline(COMMAND, "reading registry.example/free5gc/upf:v4")
    with access.open(name) as repository:                       # repository.py: mirrors first, the registry last
        subject = repository.resolve(target(name), deadline)    # a manifest or an index
        found = specs(repository, subject.digest, deadline)     # artifacts.py: read, verified, the newest first

`images` reads the image itself at both levels, `attach` is all that writes, `transport` all that knows requests. What
goes wrong is a RegistryError, what is not there a NoSuchImageError, and an artifact that cannot be read has a
`problem`.
"""
