from __future__ import annotations

import pytest

from ictops.errors import ImageError
from ictops.imaging.published import ImagingFolder
from tests.support.published import publish


@pytest.fixture
def folder(tmp_path) -> ImagingFolder:
    return ImagingFolder(tmp_path)


def test_the_newest_version_is_the_one_that_was_made_last(folder):
    publish(folder, version="10", made_at="2026-09-01T08:00:00+00:00")
    digest = publish(folder, version="9", made_at="2026-09-02T08:00:00+02:00")
    newest = folder.find("pc")
    assert (newest.ref.version, newest.ref.digest) == ("9", digest)
    assert folder.find("pc", "10").manifest.version == "10"
    assert [one.version for one in folder.store.versions()] == ["10", "9"]


def test_what_is_not_published_is_told_with_what_is(folder):
    publish(folder, "pc-debian", "2026.1")
    with pytest.raises(ImageError, match=r"there is no image 'pc-debain'. Did you mean pc-debian"):
        folder.find("pc-debain")
    with pytest.raises(ImageError, match=r"no version '2026.2'. Did you mean 2026.1"):
        folder.find("pc-debian", "2026.2")
    with pytest.raises(ImageError, match=r"there is no image '../../etc'"):
        folder.find("../../etc")


def test_what_is_no_version_is_none(folder):
    publish(folder)
    (folder.store.images / "pc" / ".2026.2.part").mkdir()
    (folder.store.images / "lost+found").mkdir()
    (folder.store.images / "lost+found" / "1").mkdir()
    assert folder.find("pc").ref.version == "2026.1"


def test_a_manifest_in_anothers_place_is_refused(folder):
    publish(folder)
    images = folder.store.images
    (images / "pc" / "2026.1").rename(images / "pc" / "2026.2")
    with pytest.raises(ImageError, match=r"its manifest is another version's"):
        folder.find("pc")
