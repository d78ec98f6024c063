"""The admin's form of times: to the second, in a day's 24 hours, with the zone."""

DATETIME_FORMAT = "j M Y, H:i:s e"
SHORT_DATETIME_FORMAT = "j M Y, H:i e"
DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i:s"
