"""Whom ictops trusts: pinned host keys, vault passwords, and what must be hidden."""
