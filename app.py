import numpy, pandas, pyarrow  # noqa: E401, F401, I001 - first: many cold sessions at once race to import them

"""The web door: `streamlit run app.py`, or `omnikpi serve`."""

from dashboard import frame

frame.run()
