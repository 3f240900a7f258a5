"""Help: how to use the pages, what the words mean, how to cite, what this program is."""

from pathlib import Path

import streamlit as st

from hnn_core import __version__
from pages._shared.link import linked, require_app
from pages._shared.messages import plain

HELP = Path(__file__).parents[1] / "assets" / "help"
TOPICS = {
    "use": ":material/touch_app: How to use it",
    "glossary": ":material/menu_book: Glossary",
    "cite": ":material/format_quote: Cite",
    "about": ":material/info: About",
}

require_app("help")
with st.sidebar:
    topic = linked(st.radio, "Show", TOPICS, key="topic", label_visibility="collapsed")

if topic == "use":
    st.markdown("## How to use HNN Explorer")
    st.html(HELP / "use.html")
elif topic == "glossary":
    st.markdown("## Glossary")
    st.caption(
        "“The paper” is the article of The Astrophysical Journal 998, 340 (2026), whose method the "
        "program follows. Find a word with your browser’s search."
    )
    st.html(HELP / "glossary.html")
elif topic == "cite":
    st.markdown("## Cite")
    st.markdown(
        "If HNN Explorer helped your work, cite it and the article whose method it follows; for "
        "inversion lines also Ji et al. (2023). The button at the corner copies all three."
    )
    st.code((HELP / "cite.bib").read_text(encoding="utf-8"), language=None, wrap_lines=True)
    st.markdown("In the acknowledgements, for real magnetograms, flares and CMEs:")
    st.code(
        "HMI data are courtesy of NASA/SDO and the HMI science team. Flares are from NOAA NCEI; "
        "CMEs and their links to flares are from the DONKI catalogue of NASA's CCMC.",
        language=None,
        wrap_lines=True,
    )
    st.caption("Of simulated regions say that they are simulated, with their seed or name.")
else:
    st.markdown(f"## HNN Explorer {plain(__version__)}")
    st.html(HELP / "about.html")
