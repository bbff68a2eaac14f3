"""Imaging: what Ansible cannot do by itself when a PC has no system yet."""
