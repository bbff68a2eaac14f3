"""See the module of the same name."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ictops.errors import ImageError
from ictops.estate.load import normal_mac
from ictops.estate.models import site_group
from ictops.imaging.images import drivers
from ictops.imaging.jobs import (
    Signed,
    Target,
    Wanted,
    adapted,
    group_of,
    job_ids,
    make_job,
    signed,
)
from ictops.imaging.linux.build import built
from ictops.imaging.published import ImagingFolder
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import BootFile, Capture, DiskChoice, Erase, ImageRef, Multicast
from ictops.imaging.wire.local import NEEDED

JOB_MODULE = "ictops.schools.imaging_job"
CLOCKS = timedelta(minutes=10)
"""How far the clocks of control machine, boot server and PC may be apart."""
CAPTURE_MOST = "workstation_image_capture_most"
OWN_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
"""ssh's own, in the order in which it is fair to expect them (ssh_config(5), IdentityFile)."""

KINDS = ["image", "heal", "erase", "look", "capture"]
_TEXTS = ("uuid", "account", "key", "unattend", "secret")
_DICTS = ("disk", "image", "authorized_keys", "user_data", "network", "windows", "drivers")
SPEC: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["armed", "found", "cancelled"], "default": "armed"},
    "kind": {"type": "str", "choices": KINDS, "default": "image"},
    "folder": {"type": "path"},
    "run": {"type": "str", "required": True},
    **{name: {"type": "str"} for name in ("ends_at", "site", "mac")},
    **{name: {"type": "str", "default": ""} for name in _TEXTS},
    **{name: {"type": "dict", "default": {}} for name in _DICTS},
    "seeds": {"type": "list", "elements": "dict", "default": []},
    "multicast": {"type": "bool", "default": False},
    "together": {"type": "list", "elements": "str", "default": []},
    "cache": {"type": "int", "default": 0},
    "standing": {"type": "bool", "default": False},
    "serials": {"type": "list", "elements": "str", "default": []},
    "most": {"type": "int", "default": 0},
    "then": {"type": "str", "choices": ["reboot", "poweroff"], "default": "reboot"},
    "and_servers": {"type": "list", "elements": "str", "default": []},
    "socket": {"type": "path", "default": "/run/ictops-imaging/admin.sock"},
}
TO_ARM = ("state", "armed", ["folder", "ends_at", "site", "mac"])


class ActionModule(ActionBase):
    """Finds a PC's job, or makes, signs and arms it; or takes it back."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the job's id, and what it is at."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _, given = self.validate_argument_spec(SPEC, required_if=[TO_ARM])
        args = json.loads(json.dumps(given))  # plain: Ansible's own texts carry tags
        host = variables["inventory_hostname"]
        if args["state"] == "cancelled":
            ids = [one for kind in KINDS for one in job_ids(args["run"], host, kind)]
            return self._on_server({"do": "cancel", "ids": ids}, args, variables)
        try:
            refuse_servers(host, variables["group_names"], args["and_servers"])
            ids = job_ids(args["run"], host, args["kind"])
            found = self._on_server({"do": "find", "ids": ids}, args, variables)
            if found.get("failed") or found["stage"] != "unknown" or args["state"] == "found":
                return {**found, "host": host}
            job = order(host, found["id"], args, room_mates(host, args, variables))
        except ImageError as error:
            return {"failed": True, "msg": str(error)}
        if self._task.check_mode:
            return {**found, "changed": True, "msg": f"a job to {args['kind']} it would be armed"}
        arm = {"do": "arm", "id": found["id"], "job": job.job, "signature": job.signature}
        if args["secret"]:
            arm["secret"] = args["secret"]
        return self._on_server(arm, args, variables)

    def _on_server(
        self, asked: dict[str, Any], args: Mapping[str, Any], variables: dict[str, Any]
    ) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_name=JOB_MODULE,
            module_args={**asked, "socket": args["socket"]},
            task_vars=variables,
        )
        return result


def order(host: str, job: str, args: Mapping[str, Any], mates: tuple[str, list[str]]) -> Signed:
    """Make and sign a host's job.

    :param job: its id.
    :param mates: the host's room, and those who are imaged in it together.
    :raises ImageError: if there can be no such job.
    """
    folder = ImagingFolder(Path(args["folder"]))
    target = Target(
        host=host,
        site=args["site"],
        mac=_mac(args["mac"], host),
        uuid=args["uuid"].lower() or None,
        disk=_read(DiskChoice, args["disk"], "workstation_image_disk"),
    )
    when = {"not_before": (datetime.now(UTC) - CLOCKS).isoformat(), "not_after": args["ends_at"]}
    more: dict[str, Any] = {}
    if args["kind"] == "erase":
        more = {"erase": Erase(tuple(args["serials"])), "then": "poweroff"}
    elif args["kind"] == "capture":
        seeds, most = _seeds(args), _read(Capture, {"most": args["most"]}, CAPTURE_MOST)
        more = {"capture": most, "seeds": seeds, "then": args["then"]}
    elif args["kind"] in {"image", "heal"}:
        more = _image(folder, target, job, args, mates)
    return signed(make_job(target, args["kind"], job=job, **when, **more), folder.key)


def _image(
    folder: ImagingFolder,
    target: Target,
    job: str,
    args: Mapping[str, Any],
    mates: tuple[str, list[str]],
) -> dict[str, Any]:
    image = _read(ImageRef, args["image"], "workstation_image_image")
    published = folder.find(image.name, image.version)
    if published.digest != image.digest:
        raise ImageError(
            f"image {image.name}={image.version} is not the one that was planned",
            where=target.host,
            do="Make the plan again",
        )
    wanted = Wanted(
        authorized_keys=_authorized(args, target.host),
        user_data=args["user_data"],
        network=args["network"],
        windows={"administrator": args["account"], **args["windows"]},
        join=bool(args["secret"]),
        unattend=args["unattend"],
        drivers={
            str(model): drivers.find(folder.store.folder, str(name))
            for model, name in args["drivers"].items()
        },
    )
    multicast: Multicast | None = None
    if args["multicast"]:
        multicast = group_of(args["run"], args["site"], *mates)
    return {
        "image": image,
        "seeds": _seeds(args),
        "adapt": adapted(target, published.manifest, image, job, wanted),
        "multicast": multicast,
        "cache": args["cache"],
        "boot": _boot_files(folder) if args["cache"] else (),
        "standing": args["standing"],
    }


def _seeds(args: Mapping[str, Any]) -> tuple[ImageRef, ...]:
    return tuple(_read(ImageRef, one, "workstation_image_seeds") for one in args["seeds"])


def _boot_files(folder: ImagingFolder) -> tuple[BootFile, ...]:
    """Give what a PC keeps to start its agent without a boot server."""
    files = built(folder.agent).files
    return tuple(BootFile(name, files[name].digest, files[name].size) for name in NEEDED)


def refuse_servers(host: str, groups: list[str], and_servers: list[str]) -> None:
    """Refuse a host that is not to be wiped by accident.

    :raises ImageError: if it is no workstation, or a server that nobody named.
    """
    if "servers" in groups:
        if host not in and_servers:
            raise ImageError(
                "it is in the group servers, and is never imaged, erased or captured by the way",
                where=host,
                do=f"Name it, and give --and-servers: --limit {host} --and-servers",
            )
    elif "workstations" not in groups:
        raise ImageError("it is no workstation", where=host)


def room_mates(
    host: str, args: Mapping[str, Any], variables: Mapping[str, Any]
) -> tuple[str, list[str]]:
    """Give a host's room, and the hosts in it that get their job with it."""
    prefix = site_group(args["site"]).replace("site_", "room_", 1) + "_"
    rooms = sorted(name for name in variables["group_names"] if name.startswith(prefix))
    if not rooms:
        return "", [host]
    there = set(variables["groups"][rooms[0]])
    return rooms[0], [name for name in args["together"] if name in there]


def _mac(text: str, host: str) -> str:
    mac = normal_mac(text)
    if mac is None:
        raise ImageError(f"{text!r} is no MAC", where=host, do="Put host_mac right")
    return mac


def _read(kind: type[Any], data: Any, name: str) -> Any:
    try:
        return strict.from_data(kind, dict(data))
    except strict.NotAsAgreed as error:
        raise ImageError(f"{name} is wrong: {error}") from error


def _authorized(args: Mapping[str, Any], host: str) -> dict[str, tuple[str, ...]]:
    if args["authorized_keys"]:
        return {
            str(account): tuple([keys] if isinstance(keys, str) else map(str, keys))
            for account, keys in args["authorized_keys"].items()
        }
    return {args["account"]: (_public_half(args["key"], host),)}


def _public_half(key: str, host: str) -> str:
    """Give the public half of the key that Ansible logs in by."""
    own = [Path.home() / ".ssh" / name for name in OWN_KEYS]
    for path in [Path(key)] if key else own:
        public = path.with_name(f"{path.name}.pub")
        if public.is_file():
            return public.read_text().strip()
        if path.is_file():
            words = ["ssh-keygen", "-y", "-P", "", "-f", str(path)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return done.stdout.strip()
    raise ImageError(
        "nobody knows by which key Ansible will log in to it",
        where=host,
        do="Set workstation_image_authorized_keys, or ansible_ssh_private_key_file",
    )
