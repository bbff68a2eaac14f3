"""A farm of simulated switches: one process that plays up to a thousand of them.

Each listens on an address of its own, speaks SSH, and has a command line, a running and a
startup configuration, timers that bring an old configuration back, and faults on demand. It
says that it is simulated, and refuses what it does not model with its platform's own words.

``process`` starts and ends a farm, ``control`` steers it, ``model`` is what it is made of.
"""
