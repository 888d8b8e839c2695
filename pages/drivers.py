"""Why did sales move, and where?"""

from dashboard import bridges, charts, explanations, frame

page = frame.require("drivers")
explanations.tell(page)
charts.show(page)
explanations.show(page)
bridges.show(page)
