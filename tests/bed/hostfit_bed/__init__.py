"""The test bed: real engines in a private corner of this machine, real images, the product as a user installs it."""
