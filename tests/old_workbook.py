"""A workbook of Excel 97 to 2003 that LibreOffice wrote: failed formulas in B3, C5, E4; rows 6 and 7 and column E hidden."""

from __future__ import annotations

import base64
import lzma

PACKED = (
    "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Bv/BXRdAGgzvhyGMHdg9KSEKcLeHHYngvKRhtyIyie65lVvxf7fKP9jQyCAhUCCKzLL8YVKqPSviDz7tbVkl8"
    "mR3U2oeANCE2XuvmoWhXgM1me0qHlphu5vksllfV4mFNU7b/6DOEHNJG5PuVIZcwwiknghhndtoIy7HlO6bobzFOnDUOH2V18SL5OQwsHX/GtPC3A/vhxF"
    "EC2nxW7ii2DpsSDAz3Xl/pCw9oIponWhxRBTR2TQHczcsEeqbw9/wbO1TPgZeNrJFyWnSf5lDLuHLcLRz+qngzAWbOjaEwstGFTiAvOYV1obR6Vy8nY3X1"
    "h/2Q/vwZrro7Nh6aEn5mdRgNlG+ww+cBKKHTEfE+C2WXEPSEnFBWsNv4ONlY0inu+FyuWemQbEHZr1LduwGOL5X9/HQoq30n4VI4F6G9uaBygcS3sZ9ikh"
    "jVUj+z4LswYu66iDcuW9SC61AphpUYmaY2LqrHSEcHrzNCtTR+oaSpfc5cd8npHP3r5F9qeqdk5zpW0BEQHtP5xfgmhw4a9l2IH2sNPD3iOAKNUwwMZN1Y"
    "P069AS+/06h9Vq6i3mzmkiHgeVpwB1lNQJVbOQXKrUq0pfxu9Dcg2YtpL/kC0vJk4kGIvGD9iNWwtpZq1/1JQxWVMoAxmf/32KgNHQ3gzcU4bI/U3L7Vdh"
    "PifyvCSBhtEY/qU+u7O2dgD2rLW7dKqVSQLqqrV/4yMMpxT3k6UCG8WGnWiFDrsbk0TwQ3E4BKOE84ifGhm5P7OyOI0CfFgYWDwoJZgcrW7HvmnwvLnUG/"
    "oPJ3v6PtFu6b0WCsGQWRycvFD5ccp26ZaU5GNH8DUAfRuHwvY0ikvN81PCYQxUZCaMfDLuphxR36NLeCDQu1R5z0XpXA3ASerXDU/sQYrMk4NAKB/ekDfP"
    "cDoy0aQ3R87ii6YQwYoUhfoUZcSLkXSJ45UDDRvAvxfEpNLoZjcQEiVPU8wp49k+pmiaqWCfzpdkMMYBB1ePD1zmBtO9U7sbjVTIsDfAvRuW+bapg+6C4u"
    "s0yiMmfCPoZkQ33FWlXRC+YJ25iOwnlslMgk/rOCxqqpR7F3iohMS4Jr6R8nwx6Al3AtfntXWCtWff65/NS4E/Vo3Z3YZ6P/beCnfKq0ucqNwh0OTw5vkA"
    "NYHdjUGd6oVN6Mu+OPPXl+sjZt9Wvt977j4RSF19QQLrjRKvLgHtt1Iguzlm9O+4AhJvo7pkJ38/1bT+cBMM4Tx/r0RTOuZtGSlhOug+2V6GawK+JmGADm"
    "CaqHv/wsf981MctNwm3i/z/lJd1VAzwdJWgsMdzFx14F9MJaaogcGIIrYfK+Xv5qIWa6MUlyHVs6sNYXz2Taj/5uKK88zLQlpaDoqo+radO/eKyTAMl70J"
    "jJBgHxqLVDgO6WXHILRBRBI83CuUAbRKWn6IpoMxT7d7YerGBvcrY7kfeh8AqXfeogbyS1mxU6tChv0dej1v/GX3GdY+iDwOC+O2LaGfdQgu2b1klQD+GZ"
    "vsMhdOFpM9QjRpA8IlvkIupUFEvsOST+0cQoHg6HjLq3NiVePmvukM0g2nE1P2jU2xTWh5HhVJKJFZVKp+UpzTCtB4DznbXkJmnVSV0/rCHC+llQ5pe8fx"
    "iNsCspSgCBPCBT0J2p4dt4pLxWxSDKePHMqZwflLG9Oirm7D+Obbe8nCYf35VI/R649WhXphLqbYrKZpr/yLoViS76c4Msrd/SgHmyKMr0O/X0UweNZLTX"
    "N2xWZCD+i87T7Ct1Mm8NmhbzhZ/OcF6FHvmkPVcKnK4hkv/09pToxNGKWEKOjDm6VPloIGpMZJvLw2bTM4+gUVNztum1q86UHePbun7FAercmEyl2kQ02t"
    "jmvnf0fE956ZxNoAEXbuqVghCwgAAZALgDgAAJzxwm6xxGf7AgAAAAAEWVo="
)


def old_workbook() -> bytes:
    return lzma.decompress(base64.b64decode(PACKED))
