"""The keywords of the SHARP series that the emulator knows, with the types JSOC gives them."""

__all__ = ["KEYWORDS", "MISSING", "is_real", "is_whole", "keyword_structure"]

MISSING = "MISSING"

KEYWORDS = {
    "T_REC": "time",
    "T_OBS": "time",
    "DATE__OBS": "time",
    "DATE": "time",
    "CADENCE": "float",
    "HARPNUM": "int",
    "NOAA_AR": "int",
    "NOAA_NUM": "int",
    "NOAA_ARS": "string",
    "QUALITY": "int",
    "LON_FWT": "float",
    "LAT_FWT": "float",
    "LONDTMIN": "float",
    "LONDTMAX": "float",
    "LATDTMIN": "float",
    "LATDTMAX": "float",
    "OMEGA_DT": "float",
    "LON_MIN": "float",
    "LON_MAX": "float",
    "LAT_MIN": "float",
    "LAT_MAX": "float",
    "CRLN_OBS": "float",
    "CRLT_OBS": "float",
    "CAR_ROT": "int",
    "CRVAL1": "float",
    "CRVAL2": "float",
    "CRPIX1": "float",
    "CRPIX2": "float",
    "CDELT1": "float",
    "CDELT2": "float",
    "CUNIT1": "string",
    "CUNIT2": "string",
    "CTYPE1": "string",
    "CTYPE2": "string",
    "CROTA2": "float",
    "CRDER1": "float",
    "CRDER2": "float",
    "WCSNAME": "string",
    "RSUN_OBS": "double",
    "RSUN_REF": "double",
    "DSUN_OBS": "double",
    "OBS_VR": "double",
    "USFLUX": "double",
    "R_VALUE": "float",
    "GWILL": "float",
    "NACR": "int",
    **dict.fromkeys(
        (
            *(
                "TOTUSJH",
                "TOTUSJZ",
                "TOTPOT",
                "SAVNCPP",
                "ABSNJZH",
                "MEANPOT",
                "MEANSHR",
                "SHRGT45",
            ),
            *("MEANGAM", "MEANGBT", "MEANGBZ", "MEANGBH", "MEANJZD", "MEANJZH", "MEANALP"),
            *("SHRGT45", "SIZE_ACR", "AREA_ACR"),
        ),
        "double",
    ),
    "CODEVER7": "string",
    "ORIGIN": "string",
    "TELESCOP": "string",
    "INSTRUME": "string",
    "CONTENT": "string",
    "QLOOK": "int",
    "DATAVALS": "int",
    "MISSVALS": "int",
}
"""Name and DRMS type. BUNIT is not among them: it belongs to the segment."""


def is_real(name: str) -> bool:
    return KEYWORDS.get(name) in ("float", "double")


def is_whole(name: str) -> bool:
    return KEYWORDS.get(name) in ("short", "int", "longlong")


def keyword_structure() -> list[dict[str, str]]:
    """The member ``keywords`` of the answer to ``op=series_struct``."""
    return [
        {
            "name": name,
            "type": kind,
            "recscope": "variable",
            "defval": {"string": "", "time": "-4712.01.01_11:59:28_TAI"}.get(kind, "MISSING"),
            "units": "",
            "note": "",
        }
        for name, kind in KEYWORDS.items()
    ]
