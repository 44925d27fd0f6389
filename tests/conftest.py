"""Settings of all tests."""

from hypothesis import settings

# Time limits would make tests depend on how busy the machine is.
settings.register_profile("book", deadline=None)
settings.load_profile("book")
