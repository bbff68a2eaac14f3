"""Switches: what Ansible cannot do well by itself, a batch of them in one process."""
