"""Reviews of the demo shop."""

import numpy as np
import pyarrow as pa

from segmentation.sources.demo.calendar import NEVER, _Clock
from segmentation.sources.demo.catalogue import PRODUCT_CODES, UNKNOWN_PRODUCT
from segmentation.sources.demo.chance import Array, _hit, _integer, _normal, _uniform
from segmentation.sources.demo.customers import _customer_numbers, _Customers, _start
from segmentation.sources.demo.orders import _is_unwanted, _Lines, _Orders
from segmentation.sources.demo.rows import _id, _instants, _texts, _with_copies

OPENINGS = {  # by language: what is said of a poor, a middling and a good product
    "en": (
        ("Disappointed.", "Broke after a week.", "Not as described.", "Would not buy again."),
        ("Does the job.", "It is okay.", "Good enough for the price.", "Average."),
        ("Love it!", "Great quality.", "Exactly what I wanted.", "Highly recommended."),
    ),
    "de": (
        ("Leider enttaeuschend.", "Nach einer Woche kaputt.", "Nicht wie beschrieben.", "Nie wieder."),
        ("Ganz in Ordnung.", "Erfuellt seinen Zweck.", "Fuer den Preis okay.", "Geht so."),
        ("Bin begeistert!", "Tolle Qualitaet.", "Genau das Richtige.", "Klare Empfehlung."),
    ),
    "fr": (
        ("Tres decu.", "Casse au bout d'une semaine.", "Pas conforme.", "A eviter."),
        ("Correct sans plus.", "Fait le travail.", "Convenable pour le prix.", "Moyen."),
        ("Je l'adore !", "Excellente qualite.", "Parfait.", "Je recommande."),
    ),
}
DETAILS = {
    "en": (
        "",
        "Delivery was quick.",
        "The size is as expected.",
        "Packaging could be better, the rest is fine.",
    ),
    "de": ("", "Schnelle Lieferung.", "Groesse passt.", "Die Verpackung war beschaedigt, der Inhalt nicht."),
    "fr": ("", "Livraison rapide.", "La taille est bonne.", "L'emballage etait abime, le contenu intact."),
}
REVIEW_TEXTS = pa.array(
    f"{opening} {detail}".strip()
    for language, moods in OPENINGS.items()
    for mood in moods
    for opening in mood
    for detail in DETAILS[language]
)
TEXTS_A_MOOD = 16


def _review_table(who: _Customers, orders: _Orders, lines: _Lines, days: range, clock: _Clock) -> pa.Table:
    """Return the reviews written within ``days``, some four days to three weeks after the order."""
    day = orders.day[lines.o] + _integer(lines.key, "reviewed after", 4, 22)
    written = _uniform(lines.key, "is reviewed") < who.reviewed[orders.c[lines.o]]
    written &= (orders.cancelled[lines.o] == NEVER) & (day >= days.start) & (day < days.stop)
    lines, day = lines.take(written), day[written]
    key, order = lines.key, orders.take(lines.o)
    stars = _stars(who, order, key)
    odd_stars = np.array([0, 6, 10, -1])[_integer(key, "odd stars", 0, 4)]
    product = np.where(_hit(key, "review_unknown_product"), UNKNOWN_PRODUCT, lines.product)
    table = pa.table(
        {
            "review_no": _id(key),
            "customer_no": _customer_numbers(who, order.c, key, "review"),
            "product_code": _texts(PRODUCT_CODES, product),
            "stars": pa.array(
                np.where(_hit(key, "review_rating_out_of_range"), odd_stars, stars),
                mask=_hit(key, "review_without_rating"),
            ),
            "body": _bodies(who, order.c, key, stars),
            "created_at": _instants(clock.instant(day, _start(who, order.c, key))),
        }
    )
    return _with_copies(table, _hit(key, "review_duplicate_exact"))


def _stars(who: _Customers, order: _Orders, key: Array) -> Array:
    """Return 1 to 5: as generous as the customer is, fewer for what goes back."""
    goes_back = (order.sent_back_day != NEVER) & _is_unwanted(key)
    stars = who.generosity[order.c] + 0.9 * _normal(key, "stars") - 1.8 * goes_back
    return np.clip(np.rint(stars), 1, 5).astype(np.int64)


def _bodies(who: _Customers, c: Array, key: Array, stars: Array) -> pa.Array:
    mood = np.select([stars <= 2, stars == 3], [0, 1], 2)
    language = np.searchsorted([0.25, 0.85], _uniform(who.key[c], "language"))
    text = (language * 3 + mood) * TEXTS_A_MOOD + _integer(key, "text", 0, TEXTS_A_MOOD)
    return _texts(REVIEW_TEXTS, text, _hit(key, "review_without_body"))
