"""What runs on a boot server: it gives each PC its job, once, and keeps what it says.

It holds no key: what it passes on was signed on the control box, and the agents look at that.
Only the standard library, :mod:`ictops.imaging.wire` and :mod:`ictops.errors`.
"""
