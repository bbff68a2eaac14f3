"""Run the agent: ``python3 -m ictops.imaging.agent``."""

from ictops.imaging.agent.start import main

main()
