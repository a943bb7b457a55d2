"""Products that the demo shop sells."""

from statistics import NormalDist

import numpy as np
import pyarrow as pa

CATEGORIES = {  # median price in euro
    "books": 14,
    "electronics": 110,
    "fashion": 42,
    "toys": 24,
    "home": 38,
    "garden": 32,
    "beauty": 19,
    "sports": 46,
    "grocery": 8,
    "gifts": 17,
    "hobby": 30,
}
CATEGORY_NAMES = list(CATEGORIES)
PRODUCTS_A_CATEGORY = 60
PRICE_SPREAD = 0.6  # sigma of log price within a category
RANGES = ("Simply", "Nordic", "Studio", "Heritage", "Premier")  # the dearer, the later
THINGS = {  # twelve of each category, in every range
    "books": "cookbook,crime novel,travel guide,atlas,biography,picture book,poetry reader,garden almanac,"
    "history reader,science primer,love story,thriller",
    "electronics": "headphones,speaker,tablet,e-reader,camera,smart watch,router,power bank,keyboard,webcam,"
    "projector,drone",
    "fashion": "scarf,cardigan,jeans,linen shirt,rain coat,sneakers,belt,leather bag,summer dress,wool hat,"
    "socks,blazer",
    "toys": "building bricks,doll,train set,kite,puzzle,board game,plush bear,racing car,play kitchen,"
    "magic box,yo-yo,puppet theatre",
    "home": "table lamp,cushion,wool rug,wall clock,vase,bed linen,mirror,candle holder,storage basket,throw,"
    "picture frame,curtain",
    "garden": "watering can,herb planter,pruning shears,bird house,lantern,hose reel,deck chair,parasol,"
    "seed box,trowel,fire bowl,wheelbarrow",
    "beauty": "hand cream,shampoo,face mask,lip balm,perfume,body lotion,bath salts,hair brush,sun milk,"
    "nail care kit,beard oil,soap",
    "sports": "yoga mat,running shirt,bicycle lamp,dumbbells,tent,hiking poles,swim goggles,football,"
    "tennis racket,rucksack,skipping rope,sleeping bag",
    "grocery": "olive oil,coffee beans,green tea,pasta,honey,chocolate,muesli,tomato sauce,crackers,jam,"
    "spice rack,nut mix",
    "gifts": "gift basket,greeting cards,photo album,keepsake box,scented candle,mug,tea set,bracelet,"
    "bouquet,wine set,key ring,advent calendar",
    "hobby": "knitting wool,oil paints,model ship,sewing kit,sketch book,beads,calligraphy pens,"
    "wood carving set,guitar strings,telescope,origami paper,pottery clay",
}
SOLD_OUT = frozenset(number * 100 + 37 for number in range(1, 4))  # one product of each of three categories
SERVICES = {"SHIP": ("Postage", 495), "WRAP": ("Gift wrap", 250)}
FREE_POSTAGE_CENTS = 4_900


def _catalogue() -> pa.Table:
    """Return the products, those of a category next to each other and by rising price, services last."""
    quantiles = (np.arange(PRODUCTS_A_CATEGORY) + 0.5) / PRODUCTS_A_CATEGORY
    spread = np.exp(PRICE_SPREAD * np.array([NormalDist().inv_cdf(q) for q in quantiles]))
    rows = [
        (
            f"P{number * 100 + rank:05d}",
            f"{RANGES[rank // 12]} {THINGS[category].split(',')[rank % 12]}",
            category,
            round(median * factor) + 0.99,
            number * 100 + rank not in SOLD_OUT,
        )
        for number, (category, median) in enumerate(CATEGORIES.items(), start=1)
        for rank, factor in enumerate(spread)
    ]
    rows += [(code, title, "service", cents / 100, True) for code, (title, cents) in SERVICES.items()]
    names = ["product_code", "title", "category", "list_price", "available"]
    return pa.table(list(zip(*rows, strict=True)), names=names)


CATALOGUE = _catalogue()
LIST_CENTS = np.rint(CATALOGUE["list_price"].to_numpy() * 100).astype(np.int64)
POSTAGE, GIFT_WRAP = (len(CATALOGUE) - 2, len(CATALOGUE) - 1)
PRODUCT_CODES = pa.array([*CATALOGUE["product_code"].to_pylist(), "P99999"])
UNKNOWN_PRODUCT = len(CATALOGUE)
