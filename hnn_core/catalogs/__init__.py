"""Catalogues of flares, CMEs and region numbers: raw replies kept, tables derived from them."""
