"""Settings of all tests."""

from hypothesis import settings

# Time limits would make tests depend on how busy the machine is. Every run draws other inputs, so
# that fewer a run find as much in the long run; many at once: pytest --hypothesis-profile=thorough
settings.register_profile("book", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("book")
