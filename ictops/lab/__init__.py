"""The lab: real Linux hosts in containers, to rehearse on."""
