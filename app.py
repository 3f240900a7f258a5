"""HNN Explorer: routes to the pages and holds the selectors they share.

Run with ``streamlit run app.py``: the server imports this file for `app`, and runs it as a script
for every session.
"""

import os
from pathlib import Path

import streamlit as st

from pages._shared.heading import ABOUT, show_first_steps, show_name

# torch's threads wait asleep: spinning, they fight the browser for the cores of a laptop, and one
# frame takes a second instead of a twentieth. Read when torch is imported, below.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
SIDEBAR = 232  # pixels; the picture needs the rest of the window
STYLE = Path(__file__).with_name("assets") / "style"


def show() -> None:
    """Draw the page that a session looks at, with the selectors that pages share."""
    explore = st.Page(
        "pages/explore.py",
        title="Explore",
        icon=":material/travel_explore:",
        default=True,
    )
    cases = st.Page(
        "pages/case_studies.py",
        title="Case studies",
        icon=":material/compare:",
        url_path="case_studies",
    )
    listed = [
        explore,
        cases,
        st.Page("pages/skill.py", title="Skill", icon=":material/monitoring:", url_path="skill"),
        st.Page(
            "pages/training.py",
            title="Training",
            icon=":material/model_training:",
            url_path="training",
        ),
        st.Page("pages/data.py", title="Data", icon=":material/database:", url_path="data"),
        st.Page("pages/help.py", title="Help", icon=":material/help:", url_path="help"),
    ]

    st.set_page_config(
        page_title="HNN Explorer",
        page_icon=str(STYLE / "icon.png"),
        layout="wide",
        menu_items={"About": ABOUT},
        initial_sidebar_state=SIDEBAR,
    )
    st.html(STYLE / "app.css")
    page = st.navigation(listed, position="top")
    with st.sidebar:
        show_name()
    if page == explore:
        show_first_steps()
    with st.spinner("Starting …"):
        # Not at the top: a fresh server takes seconds for torch, and this is shown meanwhile.
        from pages._explore.answer import show_missing
        from pages._shared import caches
        from pages._shared.access import show_sign_in
        from pages._shared.link import routed, show_notes
        from pages._shared.messages import show_nothing_kept, worded_errors
        from pages._shared.selectors import select

    routed(page, listed)
    caches.look_again()
    show_nothing_kept()
    with worded_errors():
        if page in (explore, cases):
            with st.sidebar:
                selection = select()
            if selection is None:
                show_missing()
                st.stop()
        notes = st.container()
        with worded_errors():  # by itself, so that what was wrong with the link is shown too
            page.run()
        with notes:
            show_notes()
    with st.sidebar:
        show_sign_in()


if __name__ == "__main__":
    show()
else:
    from starlette.middleware import Middleware

    from pages._shared.addresses import Addresses
    from pages._shared.door import Door, opened, require_sound_start

    require_sound_start()
    app = st.App(__file__, lifespan=opened, middleware=[Middleware(Door), Middleware(Addresses)])
