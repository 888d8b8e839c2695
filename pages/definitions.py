"""What does each number mean, exactly?"""

from dashboard import frame, glossary

page = frame.require("definitions")
glossary.show(page)
