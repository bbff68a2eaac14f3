"""The Linux that a PC runs while it is imaged: Debian's signed kernel, and our agent."""
