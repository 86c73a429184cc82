"""The sample catalogue: goods that fill the store on a first start.

Pure data. Every slug has its picture in ``static/products/<slug>.svg``.
"""

from dataclasses import dataclass

CATEGORIES = ("kitchen", "desk", "outdoor", "lighting", "textiles")


@dataclass(frozen=True)
class SampleProduct:
    """One product; the price is in euro cents and includes tax, the stock in pieces."""

    slug: str
    name: str
    category: str
    price_minor: int
    stock: int
    summary: str
    description: str


# One line for the facts of a product reads better than five.
# fmt: off
PRODUCTS: tuple[SampleProduct, ...] = (
    SampleProduct(
        "stoneware-mug", "Stoneware mug", "kitchen", 1600, 84,
        "A 350 ml mug with a broad handle and a speckled glaze.",
        "Thrown thick enough to keep coffee warm and thin enough to drink from gladly. The foot is "
        "left bare, so you can see the clay. Safe in the dishwasher and the microwave.",
    ),
    SampleProduct(
        "pour-over-set", "Pour-over coffee set", "kitchen", 4200, 23,
        "A glass carafe and a porcelain dripper for two to four cups.",
        "The ribs of the dripper hold the paper off the wall, so that the water runs evenly. Carafe, "
        "dripper and forty filter papers come in one box. The glass is borosilicate and takes boiling "
        "water.",
    ),
    SampleProduct(
        "enamel-saucepan", "Enamel saucepan", "kitchen", 5400, 17,
        "A 1.8 litre pan with a lid and a pouring lip.",
        "Steel under two coats of enamel: quick to heat and easy to clean. It works on gas, electric "
        "and induction hobs. The beech handle stays cool and can be replaced.",
    ),
    SampleProduct(
        "oak-chopping-board", "Oak chopping board", "kitchen", 3850, 31,
        "Solid European oak, 40 by 26 cm, with a juice groove.",
        "Cut from one plank, oiled twice and rounded where you hold it. One side has a groove for "
        "meat and fruit, the other is plain for bread. Wash by hand and oil it now and then.",
    ),
    SampleProduct(
        "chefs-knife", "Chef's knife", "kitchen", 8900, 6,
        "A 20 cm blade of carbon steel with a walnut handle.",
        "Ground thin behind the edge, so that it falls through an onion. Carbon steel takes a keener "
        "edge than stainless and grows a grey patina with use. Dry it after washing.",
    ),
    SampleProduct(
        "glass-storage-jar", "Glass storage jar", "kitchen", 1250, 120,
        "A one litre jar with a cork lid for dry goods.",
        "Straight sides leave no corner that a spoon cannot reach. The natural cork closes tightly "
        "and is easy to lift with one hand. Five of them fill a shelf of 55 cm.",
    ),
    SampleProduct(
        "linen-notebook", "Linen notebook", "desk", 1800, 66,
        "192 dotted pages, thread-sewn, in a cloth cover.",
        "It opens flat at any page because it is sewn and not glued. The 100 g paper takes fountain "
        "pen ink without letting it through. A ribbon and a pocket at the back keep your place and "
        "your receipts.",
    ),
    SampleProduct(
        "pencil-cup", "Pencil cup", "desk", 1450, 48,
        "A heavy ceramic cup, with four cedar pencils to start it.",
        "The weight sits low, so it does not fall over when you reach for the scissors. A felt ring "
        "under the foot spares the table. The pencils are HB and already sharpened.",
    ),
    SampleProduct(
        "fountain-pen", "Fountain pen", "desk", 3600, 3,
        "A light everyday pen with a fine steel nib.",
        "The nib writes at the first touch, even after a week in the drawer. It fills from cartridges "
        "or, with the converter in the box, from a bottle. The cap clicks onto either end.",
    ),
    SampleProduct(
        "desk-clock", "Desk clock", "desk", 2900, 19,
        "A quiet round clock with a face that reads at a glance.",
        "The hands sweep without ticking. Numbers at three, six, nine and twelve, and a line for "
        "every minute. It runs for two years on one AA cell, which is included.",
    ),
    SampleProduct(
        "laptop-stand", "Laptop stand", "desk", 4900, 12,
        "Two pieces of bent plywood that lift a screen to eye level.",
        "It carries up to 8 kg and leaves air under the machine. The two halves slot together without "
        "tools and go flat into a bag. Cork strips hold the laptop in its place.",
    ),
    SampleProduct(
        "felt-desk-mat", "Felt desk mat", "desk", 3400, 0,
        "A wool mat of 70 by 32 cm for keyboard, mouse and elbows.",
        "Three millimetres of pressed merino wool take the noise out of typing. The underside is cork "
        "and does not slide. Crumbs brush off, spills dab out with cold water.",
    ),
    SampleProduct(
        "vacuum-flask", "Vacuum flask", "outdoor", 3200, 54,
        "Half a litre, hot for twelve hours and cold for twenty-four.",
        "Two walls of stainless steel with nothing in between. The cup on top is big enough for soup, "
        "and the stopper pours without being taken out. Every part can be bought singly.",
    ),
    SampleProduct(
        "canvas-rucksack", "Canvas rucksack", "outdoor", 11900, 9,
        "An 18 litre rucksack of waxed cotton with leather straps.",
        "The roll top grows with the shopping and keeps the rain out. A padded sleeve inside holds a "
        "15 inch laptop. The wax can be renewed at home with a hair dryer.",
    ),
    SampleProduct(
        "folding-stool", "Folding stool", "outdoor", 4600, 15,
        "A seat of beech and canvas that folds flat to 6 cm.",
        "Made for the edge of a lake, good in a small kitchen too. It carries 120 kg and weighs "
        "little more than one. The canvas comes off for washing.",
    ),
    SampleProduct(
        "watering-can", "Watering can", "outdoor", 2750, 28,
        "A 1.5 litre can with a long spout for pots and window boxes.",
        "The narrow spout puts the water at the roots and not on the sill. Galvanised steel under "
        "powder coat, so it may stay outside all year. The handle balances it full or empty.",
    ),
    SampleProduct(
        "hand-trowel", "Hand trowel", "outdoor", 2100, 37,
        "Forged steel with a shaft of ash, made to outlast its owner.",
        "The blade is marked in centimetres for planting bulbs at the right depth. One forged piece "
        "runs into the handle, so nothing works loose. Wipe it with oil before the winter.",
    ),
    SampleProduct(
        "terracotta-pots", "Terracotta pots, set of three", "outdoor", 2400, 22,
        "Frost-proof pots of 10, 14 and 18 cm, with saucers.",
        "Fired hot enough to stand outside at minus fifteen degrees. The clay breathes, which herbs "
        "like. The three nest into each other when they are not in use.",
    ),
    SampleProduct(
        "desk-lamp", "Desk lamp", "lighting", 7900, 14,
        "A jointed arm and a small shade, warm light, three levels.",
        "The springs hold the head wherever you put it. The LED draws six watts and can be changed by "
        "hand. A touch on the base dims it, and it remembers how you left it.",
    ),
    SampleProduct(
        "pendant-lamp", "Pendant lamp", "lighting", 12900, 5,
        "A spun aluminium shade of 36 cm above a table for four.",
        "White inside, so that the light goes down onto the plates. The textile cable is 2.5 m long "
        "and is shortened at the rose without a cut. Takes any E27 bulb up to 60 watts.",
    ),
    SampleProduct(
        "storm-lantern", "Storm lantern", "lighting", 3900, 26,
        "An oil lantern with a glass that wind cannot blow out.",
        "One filling burns for twenty hours. The lever at the side lifts the glass for lighting, and "
        "the wick turns up and down while it burns. Use it outside with ordinary lamp oil.",
    ),
    SampleProduct(
        "globe-light", "Globe light", "lighting", 5900, 2,
        "A ball of opal glass on an oak foot for the bedside.",
        "The glass spreads the light without a glare, so a book can be read without waking anyone. "
        "The switch sits on the cable, within reach of a pillow. A 4 watt bulb is included.",
    ),
    SampleProduct(
        "floor-lamp", "Floor lamp", "lighting", 18900, 4,
        "Three legs of ash and a linen shade, 152 cm tall.",
        "It throws a round of light over an armchair and a softer one at the ceiling. The shade folds "
        "flat for posting and goes up in a minute. The foot switch has a long cable.",
    ),
    SampleProduct(
        "beeswax-candles", "Beeswax candles, set of three", "lighting", 1950, 73,
        "Hand-dipped candles that smell faintly of honey.",
        "Pure beeswax from two beekeepers in the next valley. Each burns for about nine hours and "
        "hardly drips. The bloom on the surface is natural and wipes off with a cloth.",
    ),
    SampleProduct(
        "wool-blanket", "Wool blanket", "textiles", 14500, 8,
        "Woven lambswool, 140 by 200 cm, with a fringe.",
        "Warm without being heavy, and soft enough for bare arms. Spun and woven in one mill, which "
        "also mends it if a moth gets in. Air it rather than wash it.",
    ),
    SampleProduct(
        "linen-tea-towels", "Linen tea towels, pair", "textiles", 2200, 95,
        "Two towels of washed linen that dry glasses without fluff.",
        "Linen takes up a fifth of its weight in water before it feels damp. It softens with every "
        "wash at 60 degrees. A loop at the corner and at the middle, for whichever hook is free.",
    ),
    SampleProduct(
        "bath-towel", "Cotton bath towel", "textiles", 2950, 41,
        "Organic cotton terry of 600 g, 70 by 140 cm.",
        "Long loops on both sides, so it dries you in one go. The cotton is grown and spun without "
        "bleach. Wash it once before use and leave out the softener.",
    ),
    SampleProduct(
        "striped-cushion", "Striped cushion", "textiles", 4400, 0,
        "A 50 cm cushion in a woven stripe, filled with feathers.",
        "The stripe is woven in, so it is as bright inside as out. The cover closes with a hidden zip "
        "and washes at 40 degrees. The filling is certified and can be bought singly.",
    ),
)
