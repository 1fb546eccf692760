"""A workbook of Excel 97 of 5 kB, found by fuzzing, that makes a reader ask for 687 GB and end its whole process."""

from __future__ import annotations

import base64
import lzma

PACKED = (
    "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4BX/BH5dAGgzvhyGMHdg9KSEKcLeHHYngvKRhtyIyie630ZbrG83KblLWX+OOViBvFCZ8HjgXLTV4n"
    "uXqIeS3myPw096fXE8n+PC0bchRHgUz/kbN+Ze5Zoqvufmu/Ae/SlXxKLoLRAqKtPaT1LqKOETt6XA+1k+D9EeqsJzl7YaEUku4GeyAr0C2Uk0"
    "lIX4q8XDEnSVdPJCKAaBgC+nBJZapOfSm/voH/BWtVmQsmQ/s0GCY8i2yfWfjVvfBOZMiTSXBuDSGyP5Q16wAhaheW1SxvcuMQP1wqDlxD0NuI"
    "ODtNJ3Rhn6/hQ8B6L7TV/LQlFD6phGw7Sncl6ka4WluCmK+KcTCV7ZM1wZ+yxEZ9rvxI9V3OaUf7cwlkNU6NW0MB0Og9TAYRrxNy+kMQQJ89te"
    "g0oGu6llE40ZCkiduaztY+NwpQFs52buk0TzMP7n16yMVDdWCzdpS+5yfPH9ddF6kzPJpbbGLTwuXCbo2+psk3W/KO56Boshh69YcCLikP/rRE"
    "yqfNBVGrAwci0XOld3q1Y9FY+QEL1/Xw0WYjbZVfHhnF0CKtUf+lxxdO4twdIFu3PxuXR9cGc2tw8QhNTeMfLwOaZGXdr2o3uQoXcsljM0Xyrh"
    "01K8qelfiSYeaVSuadgxB1FmKT3ypGCc49GOUn/44QqFbkBMbTgSUeRKN0KOmlDkZHYQRmZWNf5P4D+FpUkzJ4lIE6lgWuPHLEQmoZpr+UQXdQ"
    "yt98AYpv7AAkmGlYnNwYSM8HPCq78lcrnHmcdfO0xqf5Xz3eqYkrVQVvZv/Dbd62dknNPWPZseinGpIdN8VEV2f8MpPXgDjzqI/azpZx9FAjWl"
    "gtOJHizGtMC3wPltqaNOA/9JjLt+Z+7SrlZ7IwAiuHrRJ+iZIPfTiJ7I/YVUsYU/o2/d/kRLPNE1YiF4jcapq/kJ4FBoU7eFgBVIwdZIJvUdFS"
    "WNdU7Wmy0I3F3hDwtUwQK3sh5WdxSZ9L0i5yMa6oDL5J0+OFjR07Oew7LGZUpnHQl3FFUP8gYB2Z/12+dnFXfX+wySsrjzhsedzmT2kvKlqIav"
    "MepGGgzo/sbJfVSTQ2Kaq4KF63pb5ARXb4jlKv4TizX3xKtfYwhgjAYmSQmdmcbjkqKGaqdE/rBIcfbf2iybr044mom8eOEeHJghY5Tx06CvJv"
    "hp/wzqtP8KNEBUlB2+ZQmEIKA+eFwTaSfzIBRkRjlEzwvBuqEFAY79sBtXBk4U1GzgzFDluzgyiAnR3wEFXRiS4q09DAbavfC0lvzuet22bxFG"
    "6Rsg/iTxP1Mdr1xP+/pxpizS8U0LirkIOJCzQv5gcJbcweFW8BI+FOOpBDrrbSv0hJ88EroGIapwGwAvt35RV0Vl5szZuUzDYbnm89D6UJGBXC"
    "rFWqSdoangN2rzMvJ7O97hAGd7Vw1e3FGnyMvdkC1Yjb0db/OlnoKF4wBZD91vqylvcwkCudUV4PAqNM0/T/Qn6P0G5ZEzMXDcJkBS+n8n10qd"
    "S4o2tOGrjspZI3/RClYhrwvAXUXWhneeF1wAAACsgTSeL7GfwAABmgmALAAANoq2rrHEZ/sCAAAAAARZWg=="
)


def broken_workbook() -> bytes:
    return lzma.decompress(base64.b64decode(PACKED))
