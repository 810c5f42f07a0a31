"""Settings of the test run."""

from hypothesis import settings

# machines are noisy: how long an example takes is no reason to fail, unless a test says so
settings.register_profile("hsig", deadline=None)
settings.load_profile("hsig")
