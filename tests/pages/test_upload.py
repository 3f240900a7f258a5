"""Files that are dropped on Explore: seen by their session, and by no other."""

from pathlib import Path

import pytest

from hnn_core.sources.uploads import uploads_home
from tests.support.app import run_app, sent_to_viewer
from tests.support.drawn_sharp import draw_fits

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("named_pages")]


def dropped(folder: Path, *hours: int) -> list[tuple[str, bytes, str]]:
    return [
        (
            f"h{hour}.fits",
            draw_fits(
                folder / f"h{hour}.fits", T_REC=f"2011.02.13_{hour:02}:00:00_TAI"
            ).read_bytes(),
            "application/fits",
        )
        for hour in hours
    ]


def words(app) -> str:
    shown = (*app.markdown, *app.info, *app.caption, *app.error, *app.warning)
    return "\n".join(element.value for element in shown)


def test_they_are_looked_at_added_to_and_removed(tmp_path):
    app = run_app(source="upload")
    assert "Drop SHARP FITS files" in words(app)
    app.file_uploader[0].set_value(dropped(tmp_path, 1, 2)).run()
    assert "2 files" in words(app)
    assert app.selectbox(key="region").options == ["AR 11158 · X2.2 · 2011-02-13 · HARP 377"]
    assert "2011-02-13 02:00 TAI" in words(app)
    app.file_uploader[0].set_value(dropped(tmp_path, 3)).run()
    assert "3 files" in words(app)
    assert sent_to_viewer(app).header["hours"][-1] == "2011-02-13T03:00"
    app.button(key="upload_clear").click().run()
    assert "Drop SHARP FITS files" in words(app)
    assert not app.exception


def test_another_session_does_not_see_them(tmp_path):
    first = run_app(source="upload")
    first.file_uploader[0].set_value(dropped(tmp_path, 1)).run()
    (folder,) = uploads_home().iterdir()
    other = run_app(source="upload")
    assert "Drop SHARP FITS files" in words(other)
    for spec in (f"upload:{folder.name}", f" upload:{folder.name} ", f"upload: {folder.name}"):
        other = run_app("case_studies", cases=f"{spec}!377!2011-02-13T01:00!demo")
        assert "another session" in words(other)
    other = run_app(source="fits", folder=str(folder))
    assert "what visitors uploaded" in words(other)
