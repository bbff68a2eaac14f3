"""What the control box, a boot server and the agent on a PC say to each other.

Only the standard library and :mod:`ictops.errors`: the agent and the boot server have no more.
"""
