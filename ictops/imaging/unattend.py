"""The answer file that tells a generalized Windows which host it is, and what tidies up after it.

Every element is by Microsoft's "Unattended Windows Setup Reference". The file is built as XML,
never as text, so a name from an inventory is a name and nothing else.

A domain is joined by an offline join's account data (``djoin /provision``, or Samba's ``net
offlinejoin provision``), not by an account that may join PCs: whoever found it could join others.
The data make this one PC a member without asking a domain controller, so Windows needs no network
yet when it sets itself up; and the computer account's creator is the one who uses it, so the rules
of KB5020276 on accounts made beforehand do not matter. They are the PC's machine password. The job
has only a word in their place; the PC asks for them, and changes the password as soon as it
is up.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from ictops.errors import ImageError
from ictops.imaging.wire.job import SeedFile

UNATTEND = "Windows/Panther/unattend.xml"
"""Where Setup looks on a disk that was not installed by Windows PE: "%WINDIR%\\Panther"."""
SPECIALIZE = "Windows/ictops/specialize.cmd"
COMPLETE = "Windows/Setup/Scripts/SetupComplete.cmd"
SECRET = "@ICTOPS-SECRET@"  # noqa: S105  (the word in a secret's place)
RANDOM = "@ICTOPS-RANDOM@"
"""The word in the place of a password that nobody knows."""
_NAMESPACE = "urn:schemas-microsoft-com:unattend"
_ACTION = "{http://schemas.microsoft.com/WMIConfig/2002/State}action"
_COMPUTER_NAME = re.compile(r"(?!\d+\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,13}[A-Za-z0-9])?")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}")
_NO_TEXT = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (2.2) cannot hold."""
_DRIVERS = r"""@echo off
if exist "%SystemRoot%\ictops\drivers" (
  pnputil /add-driver "%SystemRoot%\ictops\drivers\*.inf" /subdirs /install
  rmdir /s /q "%SystemRoot%\ictops\drivers"
)
"""
_RESET = (
    "foreach ($n in 1..30) {"
    " try { Reset-ComputerMachinePassword -ErrorAction Stop; break }"
    " catch { Start-Sleep 10 } }"
)
"""A domain controller may not answer at once."""


class UnattendError(ImageError):
    """An answer file cannot be made of what the inventory says."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a Windows is told when it first starts."""

    host_name: str
    administrator: str
    """The local account that ictops logs in with, by its SSH key; nobody knows its password."""
    locale: str = "en-GB"
    input_locale: str = "0809:00000809"
    """Language and keyboard, as Windows numbers them; here British English."""
    time_zone: str = "GMT Standard Time"
    """As ``tzutil /l`` names it."""
    organization: str = ""
    architecture: str = "amd64"
    join: bool = False
    """Whether it joins a domain, by account data that the job's secret is."""
    product_key: str | None = None
    winrm: bool = False
    """Whether it listens to WinRM too: for a domain, where Kerberos says who is who."""


def files(answers: Answers) -> tuple[SeedFile, ...]:
    """Give the files that a Windows is seeded with.

    :raises UnattendError: if Windows would not take an answer.
    """
    return (
        SeedFile(UNATTEND, render(answers), 0o600),
        SeedFile(SPECIALIZE, _specialize(), 0o600),
        SeedFile(COMPLETE, _complete(answers), 0o600),
    )


def render(answers: Answers) -> str:
    """Give the answer file; :data:`SECRET` and :data:`RANDOM` stand for what only the PC is told.

    :raises UnattendError: if Windows would not take an answer.
    """
    _check(answers)
    ET.register_namespace("", _NAMESPACE)
    ET.register_namespace("wcm", _ACTION[1 : _ACTION.index("}")])
    root = ET.Element(f"{{{_NAMESPACE}}}unattend")
    _specialize_pass(root, answers)
    _oobe_pass(root, answers)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _specialize_pass(root: ET.Element, answers: Answers) -> None:
    settings = _add(root, "settings", **{"pass": "specialize"})
    shell = _component(settings, "Microsoft-Windows-Shell-Setup", answers)
    _add(shell, "ComputerName", answers.host_name)
    _add(shell, "TimeZone", answers.time_zone)
    if answers.organization:
        _add(shell, "RegisteredOrganization", answers.organization)
    if answers.product_key:
        _add(shell, "ProductKey", answers.product_key)
    if answers.join:
        join = _component(settings, "Microsoft-Windows-UnattendedJoin", answers)
        _add(_add(_add(join, "Identification"), "Provisioning"), "AccountData", SECRET)
    run = _add(_component(settings, "Microsoft-Windows-Deployment", answers), "RunSynchronous")
    command = _add(run, "RunSynchronousCommand", **{_ACTION: "add"})
    _add(command, "Order", "1")
    _add(command, "Description", "ictops: drivers and services")
    _add(command, "Path", "cmd.exe /c %SystemRoot%\\ictops\\specialize.cmd")


def _oobe_pass(root: ET.Element, answers: Answers) -> None:
    settings = _add(root, "settings", **{"pass": "oobeSystem"})
    international = _component(settings, "Microsoft-Windows-International-Core", answers)
    _add(international, "InputLocale", answers.input_locale)
    for name in ("SystemLocale", "UILanguage", "UserLocale"):
        _add(international, name, answers.locale)
    shell = _component(settings, "Microsoft-Windows-Shell-Setup", answers)
    first = _add(shell, "OOBE")
    for name in (
        "HideEULAPage", "HideOEMRegistrationScreen", "HideOnlineAccountScreens",
        "HideWirelessSetupInOOBE",
    ):  # fmt: skip
        _add(first, name, "true")
    _add(first, "ProtectYourPC", "3")
    accounts = _add(_add(shell, "UserAccounts"), "LocalAccounts")
    account = _add(accounts, "LocalAccount", **{_ACTION: "add"})
    password = _add(account, "Password")
    _add(password, "Value", RANDOM)
    _add(password, "PlainText", "true")
    _add(account, "Group", "Administrators")
    _add(account, "Name", answers.administrator)


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    made = ET.SubElement(parent, f"{{{_NAMESPACE}}}{tag}", attributes)
    made.text = text
    return made


def _component(settings: ET.Element, name: str, answers: Answers) -> ET.Element:
    return _add(
        settings, "component", name=name, processorArchitecture=answers.architecture,
        publicKeyToken="31bf3856ad364e35", language="neutral", versionScope="nonSxS",
    )  # fmt: skip


def _specialize() -> str:
    """Give what runs as SYSTEM while Windows becomes this PC; with every kind of product key.

    DriverPaths of PnpCustomizationsNonWinPE would not do: it is read in the passes auditSystem and
    offlineServicing alone, and a generalized image has neither before it.
    """
    return _DRIVERS + ("sc query sshd >nul 2>&1 && sc config sshd start= auto\nexit /b 0\n")


def _complete(answers: Answers) -> str:
    """Give what runs as SYSTEM before anyone can log in; it removes itself last."""
    powershell = "powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command"
    lines = ["@echo off", 'del /f /q "%SystemRoot%\\Panther\\unattend.xml"']
    lines += [
        f'del /f /q "%SystemRoot%\\{folder}\\{name}.xml" 2>nul'
        for folder in ("Panther\\Unattend", "System32\\Sysprep")
        for name in ("unattend", "autounattend")
    ]
    if answers.join:
        lines.append(f'{powershell} "{_RESET}"')
    if answers.winrm:
        lines.append(f'{powershell} "Enable-PSRemoting -SkipNetworkProfileCheck -Force"')
    lines += [
        'rmdir /s /q "%SystemRoot%\\ictops"',
        # The rest of a script that deletes itself is not read again when it is one line.
        '(del /f /q "%~f0" & exit /b 0)',
        "",
    ]
    return "\n".join(lines)


def _check(answers: Answers) -> None:
    for value, pattern, what, do in (
        (
            answers.host_name, _COMPUTER_NAME, "name for a Windows computer",
            "Take 1 to 15 letters, digits and hyphens, not digits alone",
        ),
        (
            answers.administrator, _ACCOUNT, "name for a Windows account",
            "Take 1 to 20 letters, digits, dots, hyphens and underscores",
        ),
        (answers.locale, _LOCALE, "locale", "Take one such as en-GB"),
    ):  # fmt: skip
        if not pattern.fullmatch(value):
            raise UnattendError(f"{value!r} is no {what}", where=answers.host_name, do=do)
    for value in (answers.input_locale, answers.time_zone, answers.organization):
        if _NO_TEXT.search(value) or SECRET in value or RANDOM in value:
            raise UnattendError(
                f"{value!r} cannot stand in an answer file", where=answers.host_name
            )
    if answers.administrator.casefold() in {"administrator", "guest", "system"}:
        raise UnattendError(
            f"{answers.administrator!r} is an account that Windows has already",
            where=answers.host_name,
            do="Take another name, such as ictops",
        )
