"""Virtual PCs of a lab: what is imaged in a rehearsal, with firmware, disk and network card."""
