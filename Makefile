# make demo    a rehearsal on real hosts; make demo-imaging    PCs imaged over the network
# make test    every test; make test-imaging    imaging's alone; make clean    takes all away
SHELL := /bin/bash
VENV := .venv
PYTHON ?= python3
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Where the kernel still offers the first kind of cgroups, podman's own crun starts no systemd.
RUNC := $(if $(wildcard /sys/fs/cgroup/cgroup.controllers),,runc)
# Its networks want iptables or nftables, by its version, and it depends on neither.
PACKAGES := podman $(RUNC) iptables nftables mmdebstrap gpg gpg-agent iproute2 openssh-client \
  git python3-venv graphviz
CREATECLUSTER := /etc/postgresql-common/createcluster.conf

.PHONY: demo demo-imaging test test-imaging lint bench clean setup setup-test \
  packages packages-imaging packages-test packages-bench

demo: setup
	demo/run

demo-imaging: packages-imaging setup
	demo/imaging

PYTEST := $(SUDO) $(VENV)/bin/pytest
SIDE_BY_SIDE := --dist loadscope --no-loadscope-reorder

test: setup-test lint test-imaging
	$(PYTEST) -n 2 $(SIDE_BY_SIDE) -m 'not imaging and not alone'
	$(PYTEST) -m alone

# Three on two processors: virtual PCs wait for firmware and networks as often as they work.
test-imaging: setup-test
	$(PYTEST) -n 3 $(SIDE_BY_SIDE) -m imaging

lint: setup-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" ansible-lint --profile production roles playbooks molecule
	$(VENV)/bin/yamllint roles playbooks molecule inventories

bench: setup-test packages-bench
	$(VENV)/bin/pip install -qq --editable '.[bench]'
	@ended=0; for name in rollout inventory journal switches multicast imaging drift backup; do \
	  $(SUDO) $(VENV)/bin/python -m benchmarks.$$name || ended=1; \
	done; exit $$ended

# Debian's packages: only those that are not there yet, and said before they are installed.
missing = $$(for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null \
	  | grep -q 'ok installed' || echo $$p; done)
define install
missing="$(call missing,$(1))"; \
	if [ -n "$$missing" ]; then \
	  echo "installing Debian packages:" $$missing; \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

packages:
	@$(call install,$(PACKAGES))

# What images of Linux are made with, and virtual PCs with their firmware.
IMAGING := fdisk dosfstools mtools partclone qemu-system-x86 ovmf
# What tests try beside: other file systems, and the first stages without a boot server.
IMAGING_TEST := btrfs-progs ntfs-3g wimtools chntpw libhivex-bin shim-signed grub-common \
  grub-efi-amd64-bin grub-efi-amd64-signed grub-pc-bin dnsmasq-base qemu-utils udpcast nvme-cli hdparm \
  nwipe cpio zstd

# What backups are made with, what reads the keys in escrow, and where a second copy goes.
BACKUP_TEST := restic rclone age openssh-sftp-server

# What imaging is compared with.
BENCH := casync curl zstd

packages-bench: packages-test
	@$(call install,$(BENCH))

packages-imaging: packages
	@$(call install,$(IMAGING))

# The tests start a PostgreSQL, an FRR and an Open vSwitch of their own: their packages are told to
# start none.
packages-test: packages-imaging
	@$(call install,$(IMAGING_TEST))
	@$(call install,$(BACKUP_TEST))
	@$(call install,postgresql-common)
	@[ -z "$(call missing,postgresql)" ] || $(SUDO) sed -i \
	  's/^#*create_main_cluster.*/create_main_cluster = false/' $(CREATECLUSTER)
	@$(call install,postgresql)
	@[ -z "$(call missing,frr)" ] || [ ! -d /run/systemd/system ] || $(SUDO) systemctl mask -q frr
	@$(call install,frr)
	@[ -z "$(call missing,openvswitch-switch)" ] || [ ! -d /run/systemd/system ] || \
	  $(SUDO) systemctl mask -q openvswitch-switch ovs-record-hostname ovs-vswitchd ovsdb-server
	@$(call install,openvswitch-switch)

setup: packages $(VENV)/installed

setup-test: packages-test $(VENV)/installed-test

# A stamp is written last: an interrupted installation is done again. Only errors are shown.
$(VENV)/installed: pyproject.toml
	@echo "installing ictops and Ansible into $(VENV) (about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install -qq --editable .
	@$(VENV)/bin/python -m compileall -q ictops  # or root would, and leave files of its own
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@echo "installing the test tools into $(VENV)"
	@$(VENV)/bin/pip install -qq --editable '.[test,lint,postgresql]'
	@touch $@

# Needs no $(VENV): what was half installed goes too. Debian's packages stay.
clean:
	$(SUDO) $(PYTHON) -B -m ictops.lab.remove
	$(SUDO) rm -rf .ictops .ansible $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache build dist
	$(SUDO) rm -rf /dev/shm/ictops-*/$$(printf %s "$(CURDIR)/.ictops" | sha256sum | cut -c1-12)
	$(SUDO) find . -name __pycache__ -prune -exec rm -rf {} +
