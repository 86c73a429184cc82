"""The first threads of the sample data, and its categories. forums_replies.py has later threads and replies.

A text that begins with `OP: ` is by the person who started the thread.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thread:
    """A topic: its category's slug, its title, and what is said in it, in order."""

    category: str
    title: str
    texts: tuple[str, ...]


CATEGORIES = (
    ("kitchen", "Kitchen", "Pans, knives, boards and what comes out of them."),
    ("desk", "Desk and paper", "Pens, paper, and places to sit and think."),
    ("outdoor", "Garden and outdoors", "For balconies, gardens and the road."),
    ("home", "Light and textiles", "Lamps, candles, blankets: what makes a room."),
)

# One paragraph a line reads better than five.
# fmt: off
THREADS: tuple[Thread, ...] = (
    Thread("kitchen", "How do you oil your chopping board?", (
        "I have had the oak board since March and it starts to look **dry** around the juice groove.\n\nThe leaflet says to oil it now and then. What do you use, and how often is *now and then*?",
        "Linseed oil, food grade, thin coat, wipe off after twenty minutes. Once a month in the first year, then whenever it looks pale.",
        "Whatever you do, don't use olive oil. It goes rancid in the wood and you will smell it at the next onion.\n\n1. Wash and let it dry for a day.\n2. Oil both sides, the edges too.\n3. Leave it standing overnight.",
        "Both sides matters more than people think. I only did the top and mine cupped like a saucer.",
    )),
    Thread("kitchen", "Carbon steel knife: is this patina or rust?", (
        "After two weeks the blade of my chef's knife is blue and grey in stripes. One spot near the heel is orange. Should I worry?",
        "Blue and grey is patina and you want that. Orange is rust. Rub the spot with a cork and a little baking soda, rinse, dry at once.",
        "Mine went orange because I left it on the draining rack. Wiping it *during* cooking made all the difference.",
        "OP: Cork worked. Thank you! The rest I will leave to grow.",
    )),
    Thread("kitchen", "Pour-over: what grind for four cups?", (
        "For two cups I use a medium grind and it runs through in three minutes. For four it takes nearly six and tastes bitter. Coarser? Less water at once?",
        "Coarser by two clicks, and pour in thirds. The ribs of this dripper keep it quick, so it is rarely the paper.",
        "Rinse the paper first. It sounds like superstition, but it takes half a minute off here.\n\n> tastes bitter\n\nAlso try water a little off the boil.",
    )),
    Thread("kitchen", "Enamel saucepan chipped at the rim", (
        "I hit the tap with the pouring lip and a flake as big as a lentil came off. Can I still use it?",
        "At the rim, yes, as long as you dry it well so it does not rust. I would not use one that is chipped inside.",
        "I wrote to the shop about mine. They sent a handle and a nice letter, but enamel cannot be mended at home.",
    )),
    Thread("kitchen", "Sourdough in the one litre jar", (
        "For anybody wondering: the glass storage jar is exactly right for a starter. Lay the cork on loosely and put a rubber band where it stood when you fed it.",
        "I do the same! Mark the flour and the date with a grease pencil, it comes off in the wash.",
        "How do you get the smell out of the cork?",
        "You don't. It is the *starter's* cork now. I bought a second jar for rice.",
    )),
    Thread("kitchen", "Which mug survives the dishwasher?", (
        "Three of my old mugs have gone dull. Does the glaze of the stoneware one hold?",
        "Two years, nearly every day, no dullness. The bare foot has got a little darker, that is all.",
        "Same. I broke one by dropping it, which is hardly its fault.",
    )),
    Thread("kitchen", "Let's talk about soup for one", (
        "The 1.8 litre pan makes me cook soup for three days. Not complaining, but I would like *ideas* for day two and three.",
        "Day two: beans in it. Day three: blend it and call it sauce.",
        "Freeze it in portions in an ice tray. Eight cubes are a bowl.",
        "Bread, cheese, under the grill. Every soup is onion soup if you believe in it.",
    )),
    Thread("kitchen", "Sharpening at home without fear", (
        "I bought a 1000/3000 stone and I am afraid of ruining a good knife. Where did you start?",
        "With the worst knife in the drawer. Count strokes, the same number on each side, and draw a line on the edge with a marker: when it is gone, you have reached it.",
        "Slowly. Twenty minutes the first time. It cuts tomatoes by its weight now.",
        "What nobody told me: flatten the stone. Mine had a hollow and I could not understand the edge I got.",
    )),
    Thread("kitchen", "Tea towels: wash before the first use?", (
        "The linen ones only push water around on my glasses. Do they need washing in?",
        "Yes. Three washes at 60 and they drink. No fabric softener, ever.",
        "And iron them damp if you like them crisp. I don't, but my mother visits.",
    )),
    Thread("kitchen", "Half a kilo of figs. Help", (
        "My neighbour left a bag at the door. They are ripe *today*. What would you do?",
        "Halve, a little honey, ten minutes in the oven, with anything white and salty.",
        "Jam with lemon and black pepper. It is done in half an hour and nobody guesses the pepper.",
    )),
    Thread("desk", "Show your desk", (
        "It is that time of the year. No tidying first! I begin: lamp on the left, far too many pencils, a plant that forgives me.",
        "Laptop on the stand, a keyboard under the window, and a mug ring that I call *the archive*.",
        "Felt mat, one notebook, nothing else. The drawer is where the truth is.",
        "A door on two trestles since 2011. I keep meaning to buy a proper table.",
        "Mine is the kitchen table after eight in the evening. The desk clock is my sign for the family.",
    )),
    Thread("desk", "Fountain pen skips on the upstroke", (
        "New pen, fine nib, cartridge in the box. It writes well downwards and skips when I go up. Is the nib damaged?",
        "Probably grease from making it. Rinse the nib with lukewarm water and a drop of soap until the water runs clear.",
        "And check the paper. On glossy stuff every fine nib skips.",
        "OP: Rinsing did it. It now writes like a dream, and my hands are blue.",
    )),
    Thread("desk", "Best ink for the linen notebook?", (
        "It takes fountain pen ink well, but some inks need a minute to dry. Which of yours is quick?",
        "Any plain blue-black. Those with shimmer in them sit on top of the paper for ever.",
        "I keep a sheet of blotting paper under the ribbon. Old-fashioned and it works.",
    )),
    Thread("desk", "Laptop stand and a heavy machine", (
        "Does the stand hold a 16 inch laptop of two and a half kilos without wobbling when one types on it?",
        "It holds it. But typing on a raised laptop is hard on the wrists anyway: take a keyboard of its own.",
        "Mine wobbled until I saw that the table did.",
    )),
    Thread("desk", "Left-handed and smudging", (
        "I love the notebook and I smudge every line of it. Other left-handers: what do you do?",
        "Underwriting: hand below the line, page turned. It took me two weeks and I was eleven.",
        "Pencil, happily. The cedar ones that come with the cup are soft enough.",
        "A dry fine nib and quick ink. And accept that one page in ten is *art*.",
    )),
    Thread("desk", "The clock ticks. Or doesn't it?", (
        "The page says quiet. I am sensitive to ticking. Can anybody hear it from a metre away?",
        "Only at night with my ear on the table.",
        "I have it in the bedroom and I cannot sleep with most clocks. This one is fine.",
    )),
    Thread("desk", "What do you write in the morning?", (
        "I started with three lines a day: one thing I saw, one I want, one I will not do. What are yours?",
        "The weather, what I dreamt, and the first sentence of whatever I have to write.",
        "A list of three. If I do them, the day was good, no matter what else.",
        "Nothing. I *draw* my coffee. 212 coffees so far.",
    )),
    Thread("desk", "When will the felt desk mat be back?", (
        "It has been sold out for weeks. Does anybody know more?",
        "I asked. They wait for the wool and say early next month.",
        "Mine took five weeks and was worth it, for what that is worth.",
    )),
    Thread("desk", "Pencils: how short is too short?", (
        "I cannot throw away pencils under five centimetres. Tell me that I am not alone.",
        "There are extenders, little brass tubes. Now you are really lost.",
        "I plant a flag in the flower pot with each one. *Basil, 3 April.*",
    )),
    Thread("outdoor", "Flask: tea tastes of coffee", (
        "I used the vacuum flask for coffee all winter. Tea now tastes of it. What gets the taste out?",
        "Baking soda, hot water, overnight, lid open. Do the seal by itself, that is where it hides.",
        "A denture tablet. Don't laugh, it is spotless.",
        "OP: The seal it was. Thank you.",
    )),
    Thread("outdoor", "Waxing the canvas rucksack", (
        "After a wet week in the hills the shoulders of mine let water through. Has anybody waxed theirs again?",
        "Yes: rub the bar in, go over it with a hair dryer until it is gone, leave it for a day. The colour gets darker.",
        "Do a small spot first. And not near the leather.",
        "OP: Did it on Sunday. Poured a glass of water on it on Monday. Dry inside!",
    )),
    Thread("outdoor", "Terracotta in frost", (
        "Do the three pots stay outside in winter? The last ones I had flaked.",
        "Empty, upside down, on wood, under the roof: yes. Full of wet earth: no pot survives that.",
        "I wrap the big one in jute and it has seen four winters. It depends on where you live, of course.",
    )),
    Thread("outdoor", "Tomatoes on a north balcony: madness?", (
        "Four hours of sun in June. I have the pots, I have the watering can, do I have a chance?",
        "Small ones, yes. Try the yellow pear-shaped kind. Big ones will hate you.",
        "Put something white behind them. I painted a board and it helped, or I want to believe so.",
        "Herbs, salad, radishes: they *like* your balcony. Tomatoes only forgive it.",
    )),
    Thread("outdoor", "Folding stool: how much does it carry?", (
        "Has anybody of more than 110 kilos sat on it for an evening? I would rather ask than find out at the lake.",
        "115 here, many evenings, no trouble. On sand put something under the feet.",
        "The label under mine says 120.",
    )),
    Thread("outdoor", "A trowel for heavy clay", (
        "Our garden is clay and stones. I bend every trowel within a season. Is this one stronger?",
        "The blade and the shank are one piece. I have lifted stones with it that I should not have.",
        "For real clay take a hori-hori or wait for rain. The trowel is fine, the clay is the problem.",
    )),
    Thread("outdoor", "Slugs. Only kind methods please", (
        "They ate eleven salads in two nights. No poison, there are hedgehogs. What works for you?",
        "Collecting them at ten in the evening with the storm lantern. It is almost romantic.",
        "Copper tape around the pots. In the beds nothing but boards: they hide under them by day, you turn them over.",
        "Water in the morning, not in the evening. That halved them here.",
    )),
    Thread("outdoor", "Packing list for three days on foot", (
        "First longer walk since school, end of May, huts on the way. What do you take and what do you always carry for nothing?",
        "For nothing: the second pair of trousers, the book. For something: a second pair of socks, a needle with thread.",
        "A flask. Tea on a cold pass is worth its weight.",
        "Earplugs. *Huts.*",
    )),
    Thread("outdoor", "Watering can drips at the rose", (
        "It pours well, but with the rose on it drips from the joint. Is there a seal missing?",
        "There is none. Wind some plumber's tape around the thread, it stops at once.",
        "Mine came with the thread a little crooked and they replaced it without a question.",
    )),
    Thread("outdoor", "Which lantern oil smells the least?", (
        "The storm lantern is lovely and my kitchen smells like a harbour. What do you burn?",
        "Pure paraffin, sold as lamp oil. And trim the wick straight, a crooked one smokes.",
        "It is called *Harbour* for a reason :)",
    )),
    Thread("home", "Warm or neutral bulbs for reading?", (
        "I read in the evening with the floor lamp and my eyes get tired. Would a colder bulb help?",
        "More light, not colder light. Try 800 lumens at 2700 K before anything else.",
        "And a second lamp behind you. The contrast between page and room is what tires me.",
        "OP: Second lamp it is. I moved the globe light over and it is a different room.",
    )),
    Thread("home", "Pendant lamp over a round table: how high?", (
        "The table has 120 cm. At what height do you hang yours?",
        "60 to 65 cm from the table to the lower edge. You want to see the faces across, and not the bulb.",
        "We started with a string and a paper bag for a week. Silly and very useful.",
    )),
    Thread("home", "Moths in the wool blanket", (
        "Two small holes. I could cry. How do I save the rest?",
        "Freeze it. In a bag, three days in the freezer, one day out, three days again. Then wash it by hand.",
        "Cedar keeps them away for a season, but does not kill them. Cold does.",
        "OP: It fits into the freezer if one eats all the peas. Day two of peas.",
    )),
    Thread("home", "Candles that burn a tunnel", (
        "My beeswax candles burn down in the middle and leave a wall. What am I doing wrong?",
        "The first evening decides: let it burn until the whole top is liquid. After that it remembers.",
        "Fold the warm wall inwards with a spoon. It looks homely and works.",
    )),
    Thread("home", "Are linen and cotton towels enemies?", (
        "In the same wash, I mean. The bath towel leaves fluff on everything.",
        "New cotton does. Wash it alone three times, then they are friends.",
        "A shake on the balcony before the wash and another after.",
    )),
    Thread("home", "Striped cushion: does the blue fade?", (
        "It would lie in a south window. I know that everything fades, the question is how fast.",
        "One summer and the blue is a little greyer. I turn it every week, like cheese.",
        "Ours is a year old and I only see it beside a new one.",
    )),
    Thread("home", "Desk lamp flickers when dimmed", (
        "Below a third it flickers. Another bulb or another lamp?",
        "Another bulb. Look for one that says *dimmable*, many don't say that they are not.",
        "Was the same here, and the new bulb fixed it.",
    )),
    Thread("home", "A blanket for two who disagree", (
        "One of us is always cold and one always warm. Is there a blanket for that, or only for one of us?",
        "Two blankets. Twenty years of marriage in two words.",
        "The wool one is cooler than it looks. My husband, a radiator, took mine.",
        "OP: We laughed, and then bought a second one. Thank you all.",
    )),
    Thread("home", "Hanging lamps without drilling", (
        "Rented flat, concrete ceiling, and I may not drill. Has anybody solved this?",
        "A floor lamp with an arm. It is not the same, but you get the deposit back.",
        "A beam between two walls, held by pressure, painted like the ceiling. Three years up now.",
    )),
    Thread("home", "Your favourite corner in November", (
        "Show or tell. Mine: armchair, blanket, one lamp, the window to the yard with somebody else's lights.",
        "The kitchen bench at six in the morning, before anybody asks me anything.",
        "The bath, with a candle and the radio low.",
        "The allotment shed. A stool, a lantern, rain on the roof.",
    )),
    Thread("home", "How the forums work: please read first", (
        "Welcome! Three rules, and we hardly ever need them:\n\n- Be **kind**. Nobody asks a question to annoy you.\n- Stay with things and how to use them. For orders and invoices write to the shop.\n- No advertising, your own goods among it.\n\nModerators give a reason for whatever they do, and it is in the public log.",
    )),
)

# More answers to "Show your desk": a topic of several pages.
DESKS = (
    "A cat, mostly. There is a desk under the cat.",
    "Two monitors, one of them dark since spring. It hides the wall socket.",
    "I share mine with a sewing machine. We take turns.",
    "Oak board from the kitchen, two filing cabinets, done. It even has a juice groove.",
    "Empty, because I moved yesterday. The boxes are *beside* it.",
    "A shelf at standing height in the hall. I have never sat at it and never written so much.",
    "Window seat with a tray. My back complains and my eyes don't.",
    "It folds out of the wall. When it is shut, so is the day.",
    "Left: tax. Right: everything that is nicer than tax.",
    "Pencil cup, linen notebook, lamp. I bought the set out of pure envy of somebody in this very thread last year.",
    "A school desk with an inkwell. Somebody called R. was here in 1962.",
    "Three cups. I only ever bring one. I cannot explain the others.",
    "The lamp is older than I am, the bulb is from last week.",
    "My daughter's stickers, all along the edge. I used to mind.",
    "Just a lap and a clipboard. I work on trains.",
    "Plants on the left, plants on the right, a keyboard where light does not reach.",
    "I built it from a bed. One can still see where the slats were.",
    "Glass top. Never again, every ring and every crumb.",
    "Mat, mouse, and a stone from Rügen that holds the post down.",
    "Corner of the workshop, sawdust in the keyboard, radio always on.",
    "The archive of mug rings gave me courage. Mine has seven.",
    "I tidied before the photo and now I cannot find the scissors.",
    "Desk clock, calendar, timer: three ways to know that I am late.",
    "A letter tray with the label *later*. The bottom of it is from 2019.",
    "Second-hand drawing table, tilted by ten degrees. Pens roll off, thoughts don't.",
    "Ours is three metres long. Two people, one lamp, daily negotiations.",
    "The stand, the laptop, and under it the snacks.",
)
# fmt: on
