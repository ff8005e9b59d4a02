"""Pictures of loads in colours: as an SVG of its own, and the same colours for paper and page.

One colour a consignment; after twelve they come again, lighter. A legend beside the picture names them by number, so
nobody has to tell colours apart to know whose a piece is.
"""

from routing.pictures import Edge, Face, Picture

# Okabe and Ito's eight, told apart by colour-blind people, and four between them.
COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7f6bb3", "#8c6d46", "#5f8a8b",
    "#b8c95a", "#a94b5c",
)  # fmt: skip
SHADES = {"top": 118, "long": 96, "door": 78}
LINE, WALL = "#22313a", "#7a8b94"


def colour(number: int, side: str = "long") -> str:
    """The colour of the consignment with this number in its box, on one side of its pieces."""
    base = COLOURS[number % len(COLOURS)]
    lighter = 100 + 22 * (number // len(COLOURS) % 3)
    parts = (int(base[at : at + 2], 16) for at in (1, 3, 5))
    shown = (min(255, part * SHADES[side] // 100 + (255 - part) * (lighter - 100) // 100) for part in parts)
    return "#" + "".join(f"{part:02x}" for part in shown)


def svg(picture: Picture, title: str) -> str:
    """The picture as an SVG document; it needs no style sheet and no script."""
    margin = 60
    box = f"{-margin} {-margin} {picture.width + 2 * margin} {picture.height + 2 * margin}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img">',
        f"<title>{title}</title>",
        f'<g stroke="{WALL}" stroke-width="14" stroke-linecap="round" fill="none">',
        *(_edge(edge) for edge in picture.behind),
        f'</g><g stroke="{LINE}" stroke-width="6" stroke-linejoin="round">',
        *(_face(face) for face in picture.faces),
        f'</g><g stroke="{WALL}" stroke-width="14" stroke-linecap="round" stroke-dasharray="60 50" fill="none">',
        *(_edge(edge) for edge in picture.before),
        "</g></svg>",
    ]
    return "".join(parts)


def _edge(edge: Edge) -> str:
    (x1, y1), (x2, y2) = edge
    return f'<path d="M{x1} {y1}L{x2} {y2}"/>'


def _face(face: Face) -> str:
    points = "L".join(f"{x} {y}" for x, y in face.corners)
    return f'<path fill="{colour(face.whose, face.side)}" d="M{points}Z"/>'
