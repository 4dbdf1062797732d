"""Every feature has the values that stand in its spec, and every entry of the catalogue has one."""

from __future__ import annotations

import re

import pytest

from features.catalogue import filled_entries, read_templates
from features.entry import Template
from features.settings import CompanySettings
from tests.spec.feature_spec import expectations, read_company
from tests.spec.feature_value import Found, deviations, find_values

_TEMPLATES = read_templates()


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Every feature of every written account, as DuckDB computes them."""
    return find_values(tmp_path_factory.mktemp("spec"), engine="duckdb")


def _names(template: Template) -> list[str]:
    """The features that an entry gives in the written companies."""
    settings = CompanySettings.model_validate({"tables": {}, **read_company()["settings"]})
    return [name for name, _ in filled_entries(template, settings)]


@pytest.mark.parametrize("feature", expectations())
def test_a_feature_has_the_values_of_its_spec(found: Found, feature: str) -> None:
    assert not deviations(found, feature)


@pytest.mark.parametrize("template", _TEMPLATES, ids=lambda template: template.name)
def test_an_entry_of_the_catalogue_has_a_spec(template: Template) -> None:
    names = _names(template)
    assert names
    assert set(names) <= expectations().keys()


def test_a_spec_names_only_features_of_the_catalogue() -> None:
    known = {name for template in _TEMPLATES for name in _names(template)}
    assert set(expectations()) <= known


@pytest.mark.parametrize("template", _TEMPLATES, ids=lambda template: template.name)
def test_a_spec_shows_a_value_and_where_one_is_missing(template: Template) -> None:
    # Whatever the configuration says, it says to all written companies.
    always = re.match(r"never(;|$)|the configuration", template.missing) is not None
    for name in _names(template):
        values = [expected.value for expected in expectations()[name]]
        assert any(value is not None for value in values), name
        assert (None in values) != always, name
