"""hostfit: does this image fit this host?"""
