"""hostfitd: the resident service that keeps facts live and answers decisions."""
