"""Counts as people say them."""

from fedbundle.site.wording import many


def test_one_has_its_own_words() -> None:
    assert [many(count, "case") for count in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]
    assert [many(count, "study is", "studies are") for count in (0, 1, 2)] == [
        "0 studies are",
        "1 study is",
        "2 studies are",
    ]
