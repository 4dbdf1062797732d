"""Names of companies and people that do not exist."""

from __future__ import annotations

import numpy as np

from features.salesforce import to_long_id


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words(
    "Northwind Aurora Cobalt Larkspur Meridian Quarry Saffron Tidewater Umber Vesper Willow Zephyr "
    "Anchor Bramble Cinder Delta Ember Falcon Granite Harbor Indigo Juniper Kestrel Lantern Maple "
    "Nimbus Onyx Pioneer Quill Raven Summit Thistle Upland Valley Wren Yarrow"
)
SECOND = _words(
    "Logistics Foods Textiles Robotics Health Energy Media Freight Interiors Analytics Dental "
    "Insurance Tools Packaging Marine Optics Farms Studios Telecom Mobility Paper Ceramics"
)
SUFFIX = ("Inc", "Ltd", "GmbH", "SA", "Oy", "Group", "& Sons", "BV")
ODD = (
    "Société Générique d'Été",
    "O'Halloran & Daughters",
    "東雲物流株式会社",
    "Łąka Świeża Sp. z o.o.",
    'The "Quoted" Company',
    "Çiğdem Ağaç A.Ş.",
    "=SUM Software",
    "北风数据有限公司",
)
GIVEN = _words(
    "Ada Bo Chiara Dmitri Elif Femi Grace Hiro Ines Jonas Kavya Liam Maya Noor Omar Priya Quinn "
    "Rosa Sven Tariq Uma Viktor Wanda Ximena Yusuf Zoë Aoife Björn Chloé Đức"
)
FAMILY = _words(
    "Adeyemi Brandt Castillo Dubois Eriksen Fontaine Garcia Haddad Ivanova Jensen Kowalski "
    "Lindqvist Moreau Nakamura Okafor Petrov Quiroga Rossi Schmidt Tanaka Ueda Vargas Weber "
    "Yilmaz Zhang O'Brien D'Angelo Müller Nuñez 山本"
)


def company_names(rng: np.random.Generator, count: int) -> list[str]:
    """Names of `count` companies, a few of them with accents, other scripts or quotation marks."""
    parts = [rng.integers(len(words), size=count) for words in (FIRST, SECOND, SUFFIX)]
    names = [f"{FIRST[a]} {SECOND[b]} {SUFFIX[c]}" for a, b, c in zip(*parts, strict=True)]
    for place, odd in enumerate(ODD):
        if place * 7 + 3 < count:
            names[place * 7 + 3] = odd
    return names


def external_ids(prefix: str, numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[str]:
    """Ids as Salesforce has them, 18 characters, one for each number below 16 million."""
    short = (f"{prefix}5e0000{number:06X}" for number in numbers.tolist())
    return list(filter(None, map(to_long_id, short)))
