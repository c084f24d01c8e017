"""site.toml: what it may hold; a typing error is never ignored."""

import tomllib
from typing import Any

import pytest

from fedbundle.errors import SiteError
from fedbundle.site.settings import TEMPLATE, checked_settings

PACS = {"host": "pacs", "port": 104, "ae_title": "PACS"}
WEB = {"url": "https://pacs/dicom-web"}


def test_the_template_is_valid_and_its_values_are_the_defaults() -> None:
    written = checked_settings(tomllib.loads(TEMPLATE.format(name='"a"')))
    assert written == checked_settings({"name": "a"})
    assert written["gpus"] == {"count": 0, "memory_gib": 0}
    assert written["limits"] == {"min_cell": 5, "max_dropped": 0.05}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"nmae": "a"}, "got 'nmae'"),
        ({"gpus": {"cuont": 1}}, r"got 'gpus\.cuont'"),
        ({"limits": {"mincell": 1}}, r"got 'limits\.mincell'"),
        ({"name": 3}, "name in site.toml must be a text"),
        ({"gpus": 1}, "gpus in site.toml must be a table"),
        ({"gpus": {"count": True}}, "whole number from 0 to 1024, got True"),
        ({"gpus": {"count": 1.5}}, "whole number"),
        ({"gpus": {"count": -1}}, "got -1"),
        ({"gpus": {"memory_gib": float("nan")}}, "got nan"),
        ({"limits": {"min_cell": 0}}, "from 1 to 1000"),
        ({"limits": {"min_cell": 2}}, "must be 1 or at least 3"),
        ({"deidentify": {"rebase": 1}}, "true or false, got 1"),
        ({"deidentify": {"deface_command": "run.sh"}}, "a list of texts"),
        ({"deidentify": {"deface_command": ["run.sh", "{input}"]}}, "with {input} and {output}"),
        ({"deidentify": {"rebased": True}}, r"got 'deidentify\.rebased'"),
        ({"limits": {"max_dropped": "5%"}}, "from 0 to 1"),
        ({"datasets": {"../x": "/data"}}, "named like a bundle"),
        ({"datasets": {"tiny": 1}}, "must be a folder"),
        ({"roles": {"tiny": {"image": {"prefered": ["t2"]}}}}, r"got 'roles\.tiny\.image\.prefered'"),
        ({"roles": {"tiny": {"image": {"echo_time_ms": {"min": 3}}}}}, "known keys only"),
        ({"roles": {"tiny": {"image": {"prefer": "t2"}}}}, "must be a list of texts"),
        ({"roles": {"tiny": {"image": {"none": ["("]}}}}, "regular expressions"),
        ({"roles": {"tiny": {"image": {"age_years": {"least": 3}}}}}, "min, max or unknown"),
        ({"roles": {"tiny": {"image": {"age_years": {"min": "old"}}}}}, "number of years"),
        ({"roles": {"tiny": {"image": {"age_years": {"unknown": True}}}}}, "'accept' or 'refuse'"),
        ({"roles": {"tiny": {"image": {"placeholder_spacing": "yes"}}}}, "'accept' or 'refuse'"),
        ({"roles": {"tiny": {"image": {"colour": "grey"}}}}, "grey if equal"),
        ({"roles": {"tiny": {"Image": {}}}}, "named like an input"),
        ({"roles": {"tiny": {"image": 1}}}, "named like an input"),
        ({"roles": {"../x": {}}}, "named like a bundle"),
        ({"pacs": {"a": {"host": "h", "port": 104}}}, "pacs.a.ae_title in site.toml must be an AE title"),
        ({"pacs": {"a": PACS | {"prot": 1}}}, r"got 'pacs\.a\.prot'"),
        ({"pacs": {"a": PACS | {"port": 0}}}, "from 1 to 65535, got 0"),
        ({"pacs": {"a": PACS | {"ae_title": "A" * 17}}}, "1 to 16 characters"),
        ({"pacs": {"a": PACS | {"ae_title": "A\\B"}}}, "1 to 16 characters"),
        ({"pacs": {"a": PACS | {"retrieve": "move"}}}, "pacs.a.listen_port .* must be given with"),
        ({"pacs": {"a": PACS | {"retrieve": "push"}}}, 'must be "get" or "move"'),
        ({"pacs": {"a b": PACS}}, "letters, digits"),
        ({"pacs": {"a": 7}}, "pacs.a in site.toml must be a table"),
        ({"pacs": 7}, "pacs in site.toml must be a table"),
        ({"dicomweb": {"a": {}}}, "dicomweb.a.url"),
        ({"dicomweb": {"a": WEB | {"password": "x"}}}, r"got 'dicomweb\.a\.password'"),
        ({"dicomweb": {"a": WEB | {"user": "x"}}}, "together with password_file"),
        ({"dicomweb": {"a": WEB | {"user": "x", "password_file": "p", "token_file": "t"}}}, "given without user"),
        ({"dicomweb": {"a": WEB | {"timeout_s": True}}}, "seconds from 1 to 3600"),
    ],
)
def test_a_wrong_key_or_value_is_named(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SiteError, match=complaint):
        checked_settings({"name": "a"} | change)


def test_what_a_site_may_say_of_a_role_is_kept() -> None:
    said = {"prefer": ["ax"], "also": ["b"], "none": ["c"], "age_years": {"min": 16, "unknown": "accept"}}
    roles = {
        "tiny": {"image": said | {"placeholder_spacing": "accept", "colour": "grey if equal", "body_part": ["HIP"]}}
    }
    assert checked_settings({"name": "a", "roles": roles})["roles"] == roles


def test_the_name_is_required() -> None:
    with pytest.raises(SiteError, match="name in site"):
        checked_settings({})


def test_a_server_gets_the_defaults_of_its_kind() -> None:
    settings = checked_settings({"name": "a", "pacs": {"main": PACS}, "dicomweb": {"main": WEB}})
    assert settings["pacs"]["main"] == PACS | {"calling_ae_title": "FEDBUNDLE", "retrieve": "get", "timeout_s": 120}
    assert settings["dicomweb"]["main"] == WEB | {"timeout_s": 60}
