"""Can the numbers be trusted today?"""

from dashboard import frame, health

page = frame.require("data_health")
health.show(page)
