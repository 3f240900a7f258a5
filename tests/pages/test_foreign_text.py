"""No text from outside is drawn as Markdown or HTML: a scan of all pages, and the escapes."""

import ast

import pytest
from streamlit.testing.v1 import AppTest

from pages._shared.messages import plain
from tests.conftest import ROOT
from tests.support.app import as_read

_ALERTS = ("error", "warning", "info", "success")
_WIDGETS = (
    *("button", "download_button", "form_submit_button", "page_link"),
    *("checkbox", "toggle", "radio", "selectbox", "multiselect", "pills", "segmented_control"),
    *("slider", "select_slider", "number_input", "text_input", "text_area", "file_uploader"),
    *("expander", "popover", "tabs", "badge", "dialog"),
)
STREAMLIT: dict[str, tuple[tuple[int, str], ...]] = {
    **dict.fromkeys((*_ALERTS, "markdown", "caption", "write", "toast"), ((0, "body"),)),
    **dict.fromkeys(("title", "header", "subheader"), ((0, "body"),)),
    **dict.fromkeys(_WIDGETS, ((0, "label"),)),
    **dict.fromkeys(("radio", "pills", "segmented_control"), ((0, "label"), (1, "options"))),
    "metric": ((0, "label"), (1, "value"), (2, "delta")),
    "progress": ((1, "text"),),
    "spinner": ((0, "text"),),
}
"""Methods of Streamlit, with the place and the name of what they draw as Markdown."""
OURS: dict[str, tuple[tuple[int, str], ...]] = {
    **dict.fromkeys(("download", "field", "offer", "choose_population"), ((0, "label"),)),
    "guarded_button": ((0, "label"), (3, "words")),
    "job_button": ((0, "label"), (4, "words")),
    "submit": ((1, "label"), (4, "words")),
    "linked": ((1, "label"), (2, "options")),
    "choose": ((1, "label"), (2, "names")),
    "bound": ((1, "label"),),
}
"""Functions of pages/ that hand them on."""
ANYWHERE = ("help", "captions")
"""Of any call, and of a dict that holds arguments."""
PLAIN_OPTIONS = ("selectbox", "multiselect", "select_slider", "text_input")
"""Widgets that draw their options as they are."""


NEVER = (
    *("image", "video", "audio", "pdf", "logo", "iframe", "table", "json", "latex", "link_button"),
    *("ImageColumn", "VideoColumn", "AudioColumn", "MarkdownColumn", "write_stream"),
)
"""Methods of Streamlit that load what a text names or draw every cell as Markdown."""


class Scan(ast.NodeVisitor):
    """What is drawn in a file as Markdown or HTML though it may come from outside."""

    def __init__(self, source: str) -> None:
        self.found: list[str] = []
        tree = ast.parse(source)
        self._functions: list[ast.AST] = [tree]
        self._called: set[ast.Attribute] = set()
        self.visit(tree)
        for one in drawing(tree) - self._called:
            self.found.append(f"{one.lineno}: {ast.unparse(one)} gets a name; call it right here")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        name = called(node.func)
        self._called |= drawing(node.func)
        if name == "html":
            self._check(node, ((0, "body"),), "escape")
            return
        if name in NEVER and ast.unparse(node.func).startswith("st."):
            self.found.append(f"{node.lineno}: {name} may load what a text from outside names")
        table = STREAMLIT if isinstance(node.func, ast.Attribute) else OURS
        places = table.get(name, ())
        if not isinstance(node.func, ast.Attribute | ast.Name) and drawing(node.func):
            places = ((0, "body"),)  # one of several, such as st.error or st.info
        if name in ("linked", "choose") and called(node.args[0]) in PLAIN_OPTIONS:
            places = places[:1]
        self._check(node, (*places, *((99, word) for word in ANYWHERE)), "plain")

    def visit_Dict(self, node: ast.Dict) -> None:
        self.generic_visit(node)
        for key, text in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in ANYWHERE:
                self._judge(node, f"{key.value!r}:", text, "plain")

    def _check(self, node: ast.Call, places: tuple[tuple[int, str], ...], by: str) -> None:
        for place, word in places:
            given = [one.value for one in node.keywords if one.arg == word]
            given += node.args[place : place + 1]
            for text in given:
                self._judge(node, f"{called(node.func)} draws", text, by)

    def _judge(self, node: ast.AST, what: str, text: ast.AST, by: str) -> None:
        if not self._safe(text, by):
            self.found.append(f"{node.lineno}: {what} {ast.unparse(text)[:60]}")

    def _safe(self, node: ast.AST, by: str) -> bool:
        """Whether a text is made of the program's own words, numbers and of `by`."""
        match node:
            case ast.Constant() | ast.Lambda():
                return True
            case ast.Name(id=name) if name.isupper():
                return True
            case ast.Name(id=name):
                return self._safe_name(name, by)
            case ast.JoinedStr(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
                return all(self._safe(one, by) for one in parts)
            case ast.FormattedValue(value=value, format_spec=form):
                digits = form is not None and ast.unparse(form)[-2] in "dfge%,"
                return digits or self._safe(value, by)
            case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
                return self._safe(one, by) and self._safe(other, by)
            case ast.BoolOp(values=values) | ast.Dict(values=values):
                return all(self._safe(one, by) for one in values)
            case ast.DictComp(value=value) | ast.GeneratorExp(elt=value) | ast.ListComp(elt=value):
                return self._safe(value, by)
            case ast.Subscript(value=value):
                return self._safe(value, by)
            case ast.Attribute(attr=name):
                return name.isupper()
            case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[texts]):
                return self._safe(texts, by)
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, other]):
                return self._safe(table, by) and self._safe(other, by)
            case ast.Call(func=ast.Name(id="list"), args=[value]):
                return self._safe(value, by)
            case ast.Call(func=ast.Attribute(value=value, attr="values")):
                return self._safe(value, by)
            case ast.Call(func=function):
                return called(function) == by
        return False

    def _safe_name(self, name: str, by: str) -> bool:
        """Whether all is that the function calls so; callers are judged for what it hands on."""
        function = self._functions[-1]
        if isinstance(function, ast.FunctionDef):
            own = {word for _, word in OURS.get(function.name, ())}
            arguments = (*function.args.args, *function.args.kwonlyargs)
            if name in own and name in {one.arg for one in arguments}:
                return True
        given = [
            one.value
            for one in ast.walk(function)
            if isinstance(one, ast.Assign | ast.AugAssign | ast.AnnAssign)
            for target in (one.targets if isinstance(one, ast.Assign) else [one.target])
            if isinstance(target, ast.Name) and target.id == name
        ]
        bound = sum(
            isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Store)
            for one in ast.walk(function)
        )
        return bool(given) and bound == len(given) and all(self._safe(one, by) for one in given)


def drawing(node: ast.AST) -> set[ast.Attribute]:
    """All of ``st.markdown``, ``st.error`` and the like in a piece of a program."""
    return {
        one
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute)
        and isinstance(one.value, ast.Name)
        and one.value.id == "st"
        and one.attr in (*STREAMLIT, "html")
        and one.attr not in _WIDGETS
    }


def called(function: ast.AST) -> str:
    """``st.markdown`` and ``place.markdown`` are ``markdown``."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


FILES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_text_on_a_page_is_the_programs_own_or_made_plain(file):
    found = Scan(file.read_text()).found
    where = file.relative_to(ROOT)
    assert not found, (
        "\n".join(f"{where}:{one}" for one in found)
        + "\nStreamlit draws these texts as Markdown or HTML, and they may come from a file, a "
        "link or a service. Write plain(text) of pages/_shared/messages.py around them (in "
        "st.html: html.escape), or format a number, as in {count:d}. Literals and UPPER_CASE names "
        "are the program's own."
    )


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("st.caption(words)", 1),
        ("st.error(str(error))", 1),
        ('st.markdown(f"## {region.name}")', 1),
        ('place.progress(0.5, f"{what} done")', 1),
        ("def show(words):\n    words = words.strip()\n    st.info(words)", 3),
        ('def show():\n    words = "ours"\n    words += theirs\n    st.info(words)', 4),
        ("for label in labels:\n    st.button(label)", 2),
        ('linked(st.radio, "Run", {name: name for name in runs})', 1),
        ('linked(st.text_input, title, key="folder")', 1),
        ('st.toggle("On", help=text)', 1),
        ('shared = {"help": text}', 1),
        ("(st.error if failed else st.success)(words)", 1),
        ("draw = st.error\ndraw(words)", 1),
        ("st.html(plain(words))", 1),
        ('st.caption(escape("ours") + escape(words))', 1),
        ('st.metric("Regions", value)', 1),
        ("st.image(path)", 1),
        ("columns = {'map': st.column_config.ImageColumn()}", 1),
    ],
)
def test_the_scan_sees(source, line):
    found = Scan(source).found
    assert found
    assert {int(one.partition(":")[0]) for one in found} == {line}


@pytest.mark.parametrize(
    "source",
    [
        'st.caption("ours")',
        "st.caption(f\"{_ICONS[name]} {plain(words)}{', ours' if here else ''}: {count:,}\")",
        'def show():\n    words = f"{share:.0%}"\n    words += plain(more)\n    st.info(words)',
        'linked(st.selectbox, "Run", {name: name for name in runs})',
        "def field(label, key):\n    st.text_input(label, key=key)",
        'st.html(f"<b>{escape(words)}</b>")',
        'st.html(STYLE / "app.css")',
        "st.code(log)",
    ],
)
def test_the_scan_passes(source):
    assert Scan(source).found == []


@pytest.mark.parametrize(
    "text",
    [
        *("plain words, 3.14 and 10 % of it; a/b\\c", "AR 11158 · HARP 377", "11:30:15 TAI"),
        *("-1.5 + 2 = 0.5", "12. a list", "# head", "![i](http://x/i)", "<img src=//x>", ":red[r]"),
        *(":smile: :+1: :-1: :100:", ":material/home: :material_home:", "a -> b <-> c -- d >= e"),
        *(
            "https://x.org/y www.x.org a@b.org",
            "$x^2$ `c` ~~s~~ **b** _i_ | t | [^1]",
            "&lt; &#47;",
        ),
    ],
)
def test_a_plain_text_is_read_as_it_was(text):
    assert as_read(plain(text)) == text


def test_a_plain_text_is_on_one_line():
    assert plain(" a\r\n\n    b\tc\u2028# d ") == r"a b c \# d"


def _table() -> None:
    from pages._shared.widgets import show_table

    show_table([{"region": "=1+1", "slope": -0.5, "why": "−0.5", "n": None}], "table")


def test_a_table_of_a_page_holds_no_formula_for_who_saves_it():
    app = AppTest.from_function(_table, default_timeout=600).run()
    assert not app.exception
    [frame] = app.dataframe
    assert frame.value.iloc[0].tolist() == ["'=1+1", -0.5, "−0.5", None]
