"""Why did sales move, and where?"""

from dashboard import bridges, cards, charts, explanations, frame

page = frame.require("drivers")
explanations.tell(page)
cards.show(page)
charts.show(page)
explanations.show(page)
bridges.show(page)
