"""More of what people say in the sample data: later replies to the threads, posts that were edited, and posts that were reported.

A text that begins with `OP: ` is by the person who started the thread.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edited:
    """A post that its author changed: how its text begins now, the text before, and the reason."""

    begins: str
    before: str
    reason: str


@dataclass(frozen=True)
class Reported:
    """A post that readers reported. `notes` are theirs, one for each report. `removed` is a moderator's reason, or "" while it waits."""

    title: str
    text: str
    reason: str
    notes: tuple[str, ...]
    removed: str = ""


# One paragraph a line reads better than five.
# fmt: off
REPLIES: dict[str, tuple[str, ...]] = {
    "How do you oil your chopping board?": (
        "OP: Linseed, then. I found a bottle at the health food shop, 250 ml for less than the olive oil cost me. Both sides are done and it is standing against the wall like a guest who does not know whether to sit down.",
        "A trick for the juice groove: fold the cloth over the handle of a teaspoon and run that along it. A finger never reaches the bottom of the groove, which is exactly where mine split.",
        "I am a joiner, so forgive the length. Wood moves across the grain, about a millimetre on a board this wide between a heated winter and a wet summer. Oil does not stop that, it only slows it down so that both faces move together. That is why *both sides* is the whole secret, and why a board must stand and not lie while it dries.\n\nThe other half is simpler: never leave it in the sink. Ten minutes of water do more damage than a year without oil.",
        "OP: Three weeks later: evenly brown, no smell, and the groove drinks no more. I am converted.",
    ),
    "Carbon steel knife: is this patina or rust?": (
        "There is a test for the impatient: wipe it with a white paper towel. If the towel stays white, it is patina. If it comes away orange, get the cork.",
        "I force mine. A warm potato, pushed onto the blade for ten minutes, then rinsed. You get a grey that covers everything and takes the fear out of the first onion.",
        "Does the knife taste of metal to anybody else in the first weeks? On apples I notice it, on meat never.",
        "Apples and lemons are the worst for that. It went away here after a month or so, once the blade had settled.",
    ),
    "Pour-over: what grind for four cups?": (
        "OP: Two clicks coarser brought it to four minutes ten. Pouring in thirds made it drinkable. I now understand that I have been drinking *tar* on Sundays.",
        "Write the numbers down. I keep a card in the tin: grams, clicks, seconds, and one word for the taste. After twenty cards you stop guessing.",
        "The kettle matters more than people admit. With a wide spout the water digs a hole in the bed and half the coffee stays dry.",
    ),
    "Enamel saucepan chipped at the rim": (
        "OP: It is the rim, thank goodness. I dry it with a corner of the towel and put it away upside down. So far no rust.",
        "For peace of mind: enamel is glass. A flake that you swallow does what a grain of sand does, which is nothing. A flake in your milk pan every morning is another matter, hence the advice about the inside.",
        "My mother's has had a chip since 1987. She calls it the year ring.",
    ),
    "Sourdough in the one litre jar": (
        "One warning from experience. A litre is right for *one* feeding. I doubled mine before a party, went to bed, and in the morning it had pushed the cork across the counter and was on its way to the toaster.",
        "Rye or wheat? Mine sulks on wheat and triples on rye.",
        "OP: Rye, at twenty-four degrees, on top of the fridge. On wheat it does what yours does.",
        "If you go away for a fortnight: thick as dough, in the coldest corner, cork on loosely. It comes back grey and offended and is fine after two feeds.",
        "I dry a spoonful on baking paper twice a year and keep the crumbs in an envelope. That has saved me once already.",
    ),
    "Which mug survives the dishwasher?": (
        "What kills a glaze is cheap detergent with soda in it, not the machine. Since I changed to the powder in the paper bag, even the old ones have stopped getting worse.",
        "OP: Ordered two of the stoneware ones. If they are dull by next autumn I shall come back and complain in this very thread.",
    ),
    "Let's talk about soup for one": (
        "A rule of mine: on day one you season half. Salt, fat and whatever is sour go into the bowl and not into the pot. Then days two and three can become something else without a fight.",
        "OP: The ice tray has changed my week. I have carrot, bean and *unknown* in there now.",
        "Unknown is always lentil.",
        "An egg, stirred in at the end with a fork, makes any thin soup a supper. My children call it cloud soup and ask for it when they are ill.",
    ),
    "Sharpening at home without fear": (
        "Here is how I teach it, for what it is worth:\n\n1. Soak the stone until it stops bubbling.\n2. Lay a coin under the spine: that is the angle, roughly.\n3. Only push, do not press. The weight of two fingers is plenty.\n4. Feel for a burr along the *whole* edge before you turn the knife.\n5. Half as many strokes on the fine side, then ten on newspaper.\n\nIf there is no burr, you are not at the edge yet, and no amount of fine stone will help.",
        "The marker trick is what got me there. I had been polishing the shoulder for a month and wondering.",
        "OP: First knife done, an old paring knife. It is not beautiful, but it went through a tomato like it was not there. The good one gets its turn on Sunday.",
        "Congratulations! And wash the stone before you put it away, the grey slurry sets like cement.",
    ),
    "Tea towels: wash before the first use?": (
        "Half a cup of vinegar in the second wash, if your water is hard. It takes out the finish that makes them slippery.",
        "OP: Three washes, as told, and they drink. I apologise to them in private.",
    ),
    "Half a kilo of figs. Help": (
        "Slice them, lay them on the thinnest pastry you can buy, sugar, forty minutes. Eat standing up.",
        "OP: The pepper jam it was. Four jars, one already gone to the neighbour who started all this, who said: next week there will be plums.",
        "Plums are easier. Stone them, do not cook them for more than twenty minutes, and put a cinnamon stick into each jar.",
    ),
    "Fountain pen skips on the upstroke": (
        "For the next one: hold the nib against a window and look through the slit. If you see light all the way to the tip, the tines are too far apart, and no soap will close them. The shop exchanged mine without a word.",
        "Blue hands are part of it. Lemon juice takes it off the skin, nothing takes it off the cuff.",
    ),
    "Best ink for the linen notebook?": (
        "I tried seven on the last page and timed them with a kitchen clock. Registrar's ink: nine seconds. Blue-black: twelve. The green that I love most: over a minute, and it shows on the other side.\n\nThe paper is sized quite hard, that is why nothing feathers and everything takes its time. A drier nib helps more than another ink.",
        "OP: Nine seconds is what I wanted to hear. Does the registrar's ink eat the nib, or is that a story?",
        "Mostly a story, if you use the pen every week. Do not leave it in for a summer.",
    ),
    "Laptop stand and a heavy machine": (
        "Two and a half kilos here too. The rubber on the front lip is what carries it. Wipe that with a damp cloth now and then, dust makes it slide.",
        "OP: With a keyboard of its own, then. My neck says thank you, my desk says it is getting crowded.",
    ),
    "Left-handed and smudging": (
        "Turn the page until the lines run away from you, about forty degrees. Your wrist stays below the line and the notebook stays clean. It looks strange to everybody else and feels right at once.",
        "A ring binding would be a mercy, by the way. The spine is on our side of the world half of the time.",
        "OP: Forty degrees. I wrote a whole page of an angry letter and there is not one smear on it. It is a very legible angry letter.",
    ),
    "The clock ticks. Or doesn't it?": (
        "It has a sweeping movement, so there is no tick but a very faint hum. I held it to my ear to find out, and then to my wife's, who asked me to leave the room.",
        "OP: A hum I can live with. It is the *beat* that I cannot unhear.",
    ),
    "What do you write in the morning?": (
        "One sentence about yesterday that nobody else could have written. Some are dull. Most people's days are, and that is no reason to skip it.",
        "I copied a friend: the left page for what is planned, the right page for what really happened. The right page is funnier.",
        "For a year I wrote nothing but what I could hear. Tram, kettle, the neighbour's cough, blackbird, tram. When I read it now I am back in that kitchen.",
        "OP: What I hear! I shall steal that for February, when there is nothing to see.",
    ),
    "When will the felt desk mat be back?": (
        "There is a note on the product page now: the ninth. And it will come in a darker grey, which I find better.",
    ),
    "Pencils: how short is too short?": (
        "I measured. My grip needs six centimetres, so everything below goes into a jam jar. The jar is full. I have not said this to anybody before.",
        "Give them to a golf course or a library, they *want* them that short.",
        "OP: Six of them went to the library in an envelope. The librarian wrote back, in pencil.",
    ),
    "Flask: tea tastes of coffee": (
        "Two flasks and two colours of tape. My marriage and my tea were both saved by it.",
        "Rice works too: a spoonful, hot water, shake for two minutes, and it scrubs where no brush goes.",
    ),
    "Waxing the canvas rucksack": (
        "OP: A month on: two days of proper rain in the Harz, and the map in the lid was dry. The colour has gone from sand to tobacco, and I like it better.",
        "What did you do about the seams? That is where mine let the water in, never through the cloth.",
        "OP: I rubbed the corner of the bar along the stitches and melted it in with the dryer very close. They were the last to dry and the first to be tested.",
        "Keep it away from your good coat for the first week. Ask me how I know.",
    ),
    "Terracotta in frost": (
        "Feet! Three bits of broken tile under each pot, so that the hole never stands in ice. I lost two in one night before I learnt that, and none in the nine winters since.",
        "OP: Upside down on a plank they go. The geraniums are moving into the stairwell, against the rules of the house.",
    ),
    "Tomatoes on a north balcony: madness?": (
        "I kept records, because I am like that. North-north-west, fourth floor, four plants. 2024: eleven fruits. 2025, with the white board: thirty-one, two of them as big as a hen's egg. The year after I changed nothing but the watering, every morning and never on the leaves, and stopped counting at fifty.\n\nSo: madness, but it can be *managed*.",
        "OP: Fifty! I shall paint a board, then. Is the yellow pear kind sold as plants or only as seed?",
        "Only seed where I live. Begin on the windowsill in the middle of March, two to a pot, and throw the weaker one away even though it hurts.",
        "Send a photograph of the weaker one. It deserves to be remembered.",
    ),
    "Folding stool: how much does it carry?": (
        "The cloth stretches a little in the first weeks and then stays as it is. Mine has had its second owner since spring, and he is no small man.",
        "OP: 120 is what I needed to read. I have ordered it, and the lake is booked.",
    ),
    "A trowel for heavy clay": (
        "Sand will *not* help, whatever your neighbour says; you get brick. Compost, every autumn, a hand's breadth, and let the worms carry it down. After four years I can push a finger in.",
        "OP: I bought the trowel and a sack of compost. I have stopped listening to the neighbour.",
    ),
    "Slugs. Only kind methods please": (
        "Beer traps drown them and call in those from three gardens around. Never again.",
        "I planted for them: a row of marigolds at the far end, which they prefer to anything of mine. It is a tax, and I pay it.",
        "OP: Boards by day, lantern by night. Yesterday forty-one, today nineteen. I carry them to the meadow behind the cemetery and have been asked about it once.",
        "A toad would do it all for you. A heap of stones in the shade, a saucer of water, and patience.",
    ),
    "Packing list for three days on foot": (
        "For three days in huts, this is what is in mine, and the whole of it weighs six kilos:\n\n- two shirts, two pairs of socks, one to walk in and one to sleep in\n- a thin jumper, a rain jacket, a hat\n- sleeping bag liner, earplugs, a headlamp\n- flask, knife, bread, nuts, and chocolate that nobody knows about\n- plasters, needle, five metres of cord\n\nWhatever is not on it I have carried over a pass at least once and never needed.",
        "Cash. The hut with the best cake takes no card.",
        "OP: I laid everything out on the bed and then took a third of it away, as somebody once told me to. The book stayed at home. The jumper did not.",
        "How was it?",
        "OP: It rained on two of the three days and I would set off again tomorrow. You were right about the earplugs. *Huts.*",
    ),
    "Watering can drips at the rose": (
        "Plumber's tape, four turns, in the direction of the thread. The other way round it comes off as you screw it on, and you will curse us all.",
        "OP: Four turns, right way round, dry as a bone. The rose now also points to where I want it.",
    ),
    "Which lantern oil smells the least?": (
        "Fill it outside, wipe it, and let it stand open for an hour. Half of the smell is what ran down the tank.",
        "OP: I trimmed the wick with the kitchen scissors, straight this time, and it burns like a little moon. The scissors smell of harbour now.",
    ),
    "Warm or neutral bulbs for reading?": (
        "I fit lights for a living, so here is the dull answer. For a book you want about 500 lux on the page. A single 400 lumen bulb two metres away gives you perhaps 60. Move the lamp to within an arm's length and you have quadrupled the light without buying anything.\n\nColour is taste. Flicker is not: if your eyes hurt after twenty minutes, film the lamp with your phone and look for bands.",
        "OP: No bands, but the lamp was a metre and eighty from the chair. It is now beside my ear, and I read until one.",
    ),
    "Pendant lamp over a round table: how high?": (
        "Whoever is tallest at the table should stand up once without a bruise. That is our standard, and it came out at 68.",
        "OP: The paper bag hung there for nine days and had a name by the end. We agreed on 63, and the bag went into the recycling with some ceremony.",
    ),
    "Moths in the wool blanket": (
        "Check the edges of the carpet and the piano, if you have one. The felt in mine was where they all came from, and I had been freezing blankets for a year.",
        "OP: There is no piano, but there was an old hat. It has gone to a better place. The blanket came through, and I darned the holes in red, so that everybody can see I won.",
        "Visible mending! The red is right. Mine are in yellow.",
    ),
    "Candles that burn a tunnel": (
        "Trim the wick to half a centimetre before each evening. A long wick burns hot in the middle and digs, a short one makes a lake.",
        "OP: It was the first evening. I had put it out after half an hour, because the telephone rang. The next one gets all the time it wants.",
    ),
    "Are linen and cotton towels enemies?": (
        "Turn the bath towel through the dryer for ten minutes *before* the first wash. You will not believe what is in the filter.",
        "OP: A cushion's worth of fluff. Peace has been made.",
    ),
    "Striped cushion: does the blue fade?": (
        "There is a film for windows that you do not see. We put it up for the sake of a print, and the sofa has profited.",
        "OP: I shall turn it, like cheese. I have put it into the calendar, between the bins and the dentist.",
    ),
    "Desk lamp flickers when dimmed": (
        "It can be the dimmer too: old ones need a load of forty watts before they work, and no bulb of today has that. An electrician changed ours in a quarter of an hour.",
        "OP: The bulb was cheaper than the electrician, so that came first, and it has been steady for a week.",
    ),
    "A blanket for two who disagree": (
        "The Scandinavian way, two duvets on one bed, ended a cold war of eleven years in this house.",
    ),
    "Hanging lamps without drilling": (
        "There is glue for hooks that holds five kilos on concrete, if you sand the paint off first. That part the packet mentions in very small letters.",
        "OP: The beam! It took an afternoon, two people and one argument. The lamp hangs where it should, and the landlord has seen it and asked where to buy one.",
    ),
    "Your favourite corner in November": (
        "The last seat in the upper deck of the number nine, going out at four, when the lamps come on. It costs me a ticket and takes forty minutes.",
        "The stairs to the cellar, third step, next to the apples. Nobody ever looks for me there.",
        "OP: I shall read all of these again when it gets really dark. The bus is my favourite so far.",
    ),
}

NEW_THREADS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("kitchen", "I burned the bottom of the enamel pan. A diary", (
        "Monday. Lentils, telephone, smoke. The bottom is black and as rough as a road. Before I do something stupid I thought that I would ask, and write down what I try.",
        "Do not scrape! Cover it with water and a good spoon of baking soda, bring it to the boil, switch it off and go to bed.",
        "OP: Tuesday. Soda, boiled, slept. A third of it came off in flakes the size of stamps. The rest is laughing at me.",
        "Then do it twice. The second time with a dishwasher tablet instead, windows open, and do not lean over it.",
        "My method is slower and uses nothing: fill it with water, put it in the sun on the balcony, scrub with your fingernails every morning. In August it takes four days.",
        "OP: Wednesday. The tablet. I can see *white*. There is an island left in the shape of Iceland.",
        "Leave Iceland. You will be fond of it.",
        "Salt and half a lemon, in circles, for the last bit. And the next time, soak before you cry.",
        "OP: Thursday. Iceland has sunk. It is not as it was in the shop, there is a shadow when the light is low, but milk does not stick and neither do I. You have my thanks, every one of you. The lentils are now called *telephone lentils* here.",
    )),
    ("kitchen", "新手求助: 铸铁还是搪瓷?", (
        "大家好! 我刚搬家, 只想买一口锅。铸铁的太重, 搪瓷的怕掉瓷。请问你们平时用哪一种?",
        "搪瓷锅我用了五年, 煮汤很方便。不要用铁勺刮锅底就可以。",
        "I read this with a translator, I hope it works both ways: if it is the only pan you own, take the enamel one. It does soup, rice and milk, and you can lift it with one hand.",
        "OP: 谢谢! 那我先买搪瓷的, 冬天再想铸铁的事。",
    )),
    ("desk", "Six months with one notebook: what I learnt", (
        "In May I put away my calendar, four apps and a drawer of loose paper, and wrote everything into the linen notebook. It is full now. For anybody who thinks of doing the same:\n\n**What worked.** One place. I have not looked for a thing since. I number the pages by hand while the coffee runs, and keep an index on the last two. It takes a minute a week.\n\n**What did not.** Appointments. Paper does not ring. I missed a dentist and a christening, and only one of them forgave me. Those are back in the telephone.\n\n**What surprised me.** I write less, because it is slower, and what I write is true more often. Lists of things to do got shorter by themselves: whatever I did not want to copy into the next week for the third time was never going to be done.\n\nI have ordered the next one. Questions welcome.",
        "How do you find a telephone number that somebody told you in June?",
        "OP: Index, under the name, page number beside it. If I forgot to write it into the index it is lost, and that has happened twice.",
        "The copying out is the whole method, isn't it? In the app it costs nothing to keep an old task, so I have four hundred of them.",
        "I tried and gave up after three weeks, because I could not search it. But I did read it from end to end on a train the other day, and it was the best book I have read this year.",
        "Did you leave margins? I always fill the page to the edge and then have nowhere for second thoughts.",
        "OP: A finger's width on the outside. That is where the second thoughts live, in pencil.",
        "You have sold me a notebook. I hope that they pay you.",
        "OP: They do not even know me. But the mug on my desk is theirs, so perhaps I am lost already.",
    )),
    ("outdoor", "The great bean failure of this summer", (
        "Twelve poles, sixty beans, all of them up by the twentieth of May. On the twenty-third there were four. I have asked the internet and got nine different answers. What was it: birds, slugs, cold, me?",
        "Cut off at an angle? Slugs. Pulled out and left lying? Pigeons. Gone without a trace? Mice.",
        "OP: Lying beside the hole, like little corpses, with the leaves still on.",
        "Pigeons, then. They think that the white part is a maggot, find out that it is not, and try the next one. Sixty times.",
        "Fleece until they are as high as your hand. It looks like a field hospital, but it works.",
        "Start them in loo rolls indoors and plant them out when they have four leaves. By then they taste of bean, and no pigeon is interested.",
        "I stretch cotton thread between the poles, criss-cross. The birds touch it with their wings and do not like it. Take it away before the beans climb, or you will never get it out.",
        "OP: Loo rolls and thread. I shall report in June. If there is silence in June, you will know.",
    )),
    ("home", "Half my flat is dark at four. Where would you begin?", (
        "Ground floor, yard, two rooms in a row and the windows all on one side. I have one ceiling light in each, both of them cold and unkind. There is money for two lamps now and perhaps a third in spring. Where would you put the first?",
        "Where you sit in the evening, at the height of your head when you sit. Not in the middle of the room, nobody lives in the middle of a room.",
        "Light the *far wall*. A lamp at the end of the second room pulls the eye through both of them and makes them look longer. I have the same flat, mirrored, and that one lamp did more than all the others.",
        "White paint on the window reveals. It is free light, ten to fifteen per cent of it, and it takes a morning.",
        "OP: The far wall! I have been lighting the near one for two years and wondered why it felt like a cave with a good entrance.",
        "And change those ceiling bulbs in the meantime. 2700 K, it costs less than a lunch.",
        "A mirror opposite the window, if you can bear it. I could not, I kept greeting somebody.",
        "OP: Report: floor lamp at the far wall, globe on the shelf by the chair, reveals painted. At four it was dusk outside and *evening* inside, which is the difference I was after. The third lamp can wait.",
        "This should be pinned, it is the whole of interior design in eight posts.",
    )),
    ("home", "Wie bekomme ich Wachs aus der Leinendecke?", (
        "Beim Abendessen ist die Bienenwachskerze umgekippt, jetzt ist ein handgroßer Fleck auf der Leinentischdecke. Bügeln mit Löschpapier oder lieber ins Gefrierfach?",
        "Erst ins Gefrierfach und das meiste abbrechen. Dann zwischen zwei Lagen Löschpapier bügeln, und das Papier so oft wechseln, bis nichts mehr kommt.",
        "In English for the others: freeze, crack, iron between blotting paper. What stays behind is the colour of the beeswax and comes out with a little washing spirit.",
        "OP: Danke euch beiden! Nach dem vierten Blatt war nichts mehr zu sehen.",
    )),
)

EDITS = (
    Edited("Here is how I teach it", "Here is how I teach it: soak the stone, coin under the spine, push, feel for the burr, turn.", "as a list, which is easier to follow"),
    Edited("For three days in huts", "For three days in huts: two of everything, a flask, and chocolate that nobody knows about. Six kilos.", "somebody asked for the whole list"),
    Edited("I fit lights for a living", "I fit lights for a living. For a book you want about 5000 lux on the page.", "one zero too many"),
    Edited("I tried seven on the last page", "I tried seven on the last page. Registrar's ink was the quickest, my green the slowest.", "added the seconds"),
    Edited("Whoever is tallest at the table", "Whoever is tallest at the table should stand up once without a bruise. That came out at 86.", "numbers the right way round"),
    Edited("One warning from experience", "One warning. A litre is right for *one* feeding. I doubled mine and it climbed out, over the toaster and into the drawer with the forks, all of which I then had to wash, and the drawer, and the floor.", "shorter"),
)

REPORTS = (
    Reported("Sharpening at home without fear", "Great thread!!! I sell the **cheapest** knives on my own page, write to me for a secret code. Only today!", "spam", ("third time this week", ""), "advertising; see the rules"),
    Reported("Laptop stand and a heavy machine", "Honestly, people who cannot read the weight on a product page should not be allowed near a laptop. You are wasting everybody's time with this.", "rude", ("It was a fair question.", "not how we talk here")),
    Reported("Slugs. Only kind methods please", "Speaking of pests: the man at number 14 in our street still has not paid his share for the fence, Mr Vogel, you know who you are, and I have your telephone number too.", "private", ("names a neighbour and his address",)),
    Reported("Which mug survives the dishwasher?", "Does anybody know whether the trams run on Sunday? I need to be at the station at seven.", "off-topic", ("", "has nothing to do with mugs")),
)

# Somebody takes this one back.
WITHDRAWN = ("Candles that burn a tunnel", "I am sure that it is a bad batch and we should all ask for our money back.")
# fmt: on
