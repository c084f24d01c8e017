"""The site home: made once, opened strictly, pointed to by kits."""

import json
import stat
from pathlib import Path

import pytest

from fedbundle.errors import BundleError, InputError, OutputError, SiteError
from fedbundle.files import new_folder
from fedbundle.site.home import SiteHome

RUN = {"job": "j1", "bundle": "tiny_bundle", "recipe_digest": "sha256:00", "dataset": "00"}


@pytest.fixture
def home(tmp_path: Path) -> SiteHome:
    return SiteHome.create(tmp_path / "home", "hospital-a")


def test_a_new_home_has_everything_and_keeps_it_private(home: SiteHome) -> None:
    assert {entry.name for entry in home.path.iterdir()} >= {
        *("site.toml", "bundles", "datasets", "local", "approvals.jsonl", "runs.jsonl", "keys")
    }
    modes = {name: stat.S_IMODE((home.path / name).stat().st_mode) for name in (".", "keys", "keys/site.key")}
    assert modes == {".": 0o700, "keys": 0o700, "keys/site.key": 0o600}
    assert len(home.key()) == 32


def test_two_homes_have_two_keys(home: SiteHome, tmp_path: Path) -> None:
    assert SiteHome.create(tmp_path / "other", "hospital-b").key() != home.key()


def test_creating_it_again_keeps_key_and_settings(home: SiteHome) -> None:
    key = home.key()
    again = SiteHome.create(home.path, "hospital-a")
    assert again == home
    assert again.key() == key
    with pytest.raises(SiteError, match="must be of hospital-b, got hospital-a"):
        SiteHome.create(home.path, "hospital-b")


def test_a_home_is_made_in_an_empty_folder_only(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert SiteHome.create(tmp_path / "empty", "a").name == "a"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(InputError, match="new or empty folder"):
        SiteHome.create(tmp_path / "full", "a")
    with pytest.raises(InputError, match="new or empty folder"):
        SiteHome.create(tmp_path / "full" / "file", "a")
    with pytest.raises(OutputError, match="must be writable"):
        SiteHome.create(tmp_path / "full" / "file" / "home", "a")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "full"]


@pytest.mark.parametrize("name", ["", "a b", "../a", "a/b", "a\n", "-a", "a" * 65, 'a"'])
def test_site_names_that_could_do_harm_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="site name must be"):
        SiteHome.create(tmp_path / "home", name)
    assert not (tmp_path / "home").exists()


def test_the_home_is_found_by_environment_or_not_at_all(home: SiteHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDBUNDLE_SITE", str(home.path))
    assert SiteHome.open() == home
    monkeypatch.delenv("FEDBUNDLE_SITE")
    with pytest.raises(InputError, match="give --site DIR or set FEDBUNDLE_SITE"):
        SiteHome.open()


def test_a_folder_without_site_toml_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="fedbundle site init"):
        SiteHome.open(tmp_path)


def test_a_home_that_lost_a_folder_says_so(home: SiteHome) -> None:
    (home.path / "bundles").rmdir()
    with pytest.raises(SiteError, match="must hold bundles/"):
        SiteHome.open(home.path)


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 33, None])
def test_a_damaged_key_is_refused(home: SiteHome, damage: bytes | None) -> None:
    key = home.path / "keys" / "site.key"
    key.unlink() if damage is None else key.write_bytes(damage)
    with pytest.raises(SiteError, match=r"keys/site\.key of hospital-a must be"):
        home.key()


def test_a_kit_points_to_its_home_and_can_be_reissued(home: SiteHome, tmp_path: Path) -> None:
    kit = tmp_path / 'kit "x"'
    with pytest.raises(InputError, match="startup/ and local/"):
        home.point_kit(kit)
    for folder in ("startup", "local"):
        (kit / folder).mkdir(parents=True)
    with pytest.raises(SiteError, match="fedbundle site init DIR --name NAME --kit"):
        SiteHome.of_kit(kit)
    home.point_kit(kit)
    home.point_kit(kit)
    assert SiteHome.of_kit(kit) == home


@pytest.mark.parametrize("text", ["", "site_home = 3", 'site_home = "here"', 'site_home = "/x"\nmore = 1', "?"])
def test_a_damaged_pointer_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "fedbundle.toml").write_text(text)
    with pytest.raises(SiteError, match="must"):
        SiteHome.of_kit(tmp_path)


def test_datasets_lie_where_site_toml_says(home: SiteHome) -> None:
    assert home.dataset_dir("tiny_bundle") == home.path / "datasets" / "tiny_bundle"
    with (home.path / "site.toml").open("a") as file:
        file.write('tiny_bundle = "/data/tiny"\nother = "near"\n')
    again = SiteHome.open(home.path)
    assert again.dataset_dir("tiny_bundle") == Path("/data/tiny")
    assert again.dataset_dir("other") == home.path / "near"


def test_a_drive_that_is_not_mounted_is_not_replaced(home: SiteHome, tmp_path: Path) -> None:
    with (home.path / "site.toml").open("a") as file:
        file.write(f'tiny_bundle = "{tmp_path}/drive/tiny"\n')
    again = SiteHome.open(home.path)
    with pytest.raises(InputError, match="mount its drive"):
        again.place_for_dataset("tiny_bundle")
    (tmp_path / "drive" / "tiny").mkdir(parents=True)
    assert again.place_for_dataset("tiny_bundle") == tmp_path / "drive" / "tiny"
    assert home.place_for_dataset("tiny_bundle") == home.path / "datasets" / "tiny_bundle"


def test_a_home_that_lost_its_settings_is_restored_and_not_made_anew(home: SiteHome) -> None:
    (home.path / "site.toml").unlink()
    for attempt in (lambda: SiteHome.open(home.path), lambda: SiteHome.create(home.path, home.name)):
        with pytest.raises(SiteError, match="restore it from a backup"):
            attempt()


@pytest.mark.parametrize("name", ["../x", "/etc", "", "X"])
def test_no_bundle_name_leads_out_of_the_home(home: SiteHome, name: str) -> None:
    for place in (home.bundle_dir, home.dataset_dir, home.local_dir):
        with pytest.raises(BundleError, match="bundle name must be"):
            place(name)


def test_runs_are_recorded_line_by_line(home: SiteHome) -> None:
    home.record_run(RUN)
    home.record_run(RUN | {"job": "j2"})
    lines = [json.loads(line) for line in (home.path / "runs.jsonl").read_text().splitlines()]
    assert [line["job"] for line in lines] == ["j1", "j2"]
    assert all(line["time"].endswith("+00:00") for line in lines)
    with pytest.raises(ValueError, match="must name its dataset"):
        home.record_run({key: RUN[key] for key in RUN if key != "dataset"})


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "old").write_text("x")
    with pytest.raises(RuntimeError), new_folder(target) as part:
        (part / "new").write_text("x")
        raise RuntimeError
    assert [entry.name for entry in tmp_path.rglob("*")] == ["bundle", "old"]
