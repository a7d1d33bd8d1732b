"""The country of each tenant."""

from marshmallow import validate

from .. import fields
from ..schema import Item, ValidationError
from ..spec import singleton

__all__ = ["COUNTRIES", "Localization", "localization"]

_CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO "
    "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE "
    "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
    "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM "
    "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_CODES.split())
"""Codes of all countries (ISO 3166-1 alpha-2)."""


def _known(code: str) -> str:
    # A text of another length has its own error.
    if len(code) == 2 and not (code.isascii() and code.upper() in COUNTRIES):
        raise ValidationError(f"Invalid country code: {code}")
    return code


class Localization(Item):
    """A tenant's country; the case of its letters is kept."""

    tenant_uuid = fields.UUID(dump_only=True)
    country = fields.String(allow_none=True, validate=[validate.Length(equal=2), _known])


localization = singleton("/localization", Localization, label="Tenant", id="uuid", update={"partial": True})
