"""What the speakers say: a few sentences per language, endless ones of their shuffled words, and words that nobody knows."""

import numpy as np

SENTENCES: dict[str, str] = {
    "en-us": "Good morning everybody and welcome to our little show. The old captain bought five fresh fish from the "
    "market before breakfast. Maybe we should leave the blue umbrella by the front door. What a beautiful view over the "
    "valley! Please remember to bring both maps and a warm pullover. Somebody moved my coffee again. Music makes "
    "people happy, even on a rainy Monday. Very few visitors have ever found this path. I think that those three thieves "
    "were brothers. How many apples would you put into a proper pie? Push the button twice and wait for the beep.",
    "es": "Buenos días a todos y bienvenidos a nuestro pequeño programa. Mi abuela preparaba un pan maravilloso los viernes. "
    "¿Puede usted abrir la ventana, por favor? Mañana viajamos a Bilbao con mucha ropa de invierno. El fuego iluminaba "
    "toda la montaña. Me gusta beber un buen vino cuando llueve. La primavera empieza temprano en este pueblo. Nadie supo "
    "cómo volvió el barco vacío. Un gato amarillo duerme sobre mi cama.",
    "fr": "Bonjour à tous et bienvenue dans notre petite émission. Ma mère fabrique une confiture de pommes magnifique. "
    "Voulez-vous ouvrir la fenêtre, s'il vous plaît? Le vieux pêcheur a perdu son bateau bleu. Nous partons demain pour la "
    "montagne avec beaucoup de bagages. Il fait froid et il pleut sur la ville. Personne ne sait pourquoi la musique s'est "
    "arrêtée. Un bon vin blanc accompagne parfaitement le poisson frais.",
    "de": "Guten Morgen und herzlich willkommen zu unserer kleinen Sendung. Meine Mutter backt am Freitag immer einen "
    "wunderbaren Apfelkuchen. Können Sie bitte das Fenster aufmachen? Wir fahren übermorgen mit dem Bus nach Bremen. Der "
    "alte Fischer verkaufte fünf frische Fische auf dem Markt. Schöne Grüße von meinem Bruder aus München. Im Frühling "
    "blühen überall bunte Blumen. Niemand wusste, warum die Musik plötzlich aufhörte.",
    "it": "Buongiorno a tutti e benvenuti al nostro piccolo programma. Mia nonna preparava sempre una buona pasta al forno. "
    "Può aprire la finestra, per favore? Domani partiamo per Venezia con pochi bagagli. Il vecchio pescatore ha perduto la "
    "sua barca blu. La primavera comincia presto in questo paese. Nessuno sapeva perché la musica fosse finita. Vorrei un "
    "bicchiere di vino bianco e un piatto di pesce fresco.",
    "pt": "Bom dia a todos e bem-vindos ao nosso pequeno programa. A minha avó fazia um pão maravilhoso. Pode abrir a janela, "
    "por favor? Amanhã viajamos para Lisboa com muita bagagem. O velho pescador perdeu o seu barco azul. Ninguém sabia "
    "porque a música parou. Um gato amarelo dorme em cima da minha cama. Quero beber um copo de vinho branco com peixe fresco.",
    "ru": "Доброе утро и добро пожаловать в нашу маленькую передачу. Моя бабушка по пятницам пекла вкусный пирог. Откройте, "
    "пожалуйста, окно. Завтра мы поедем на поезде в большой город. Старый рыбак потерял свою лодку. Никто не знал, почему "
    "музыка замолчала. Весной всюду цветут яблони. Мама мыла раму, а папа варил борщ.",
    "nl": "Goedemorgen en welkom bij ons kleine programma. Mijn moeder bakt op vrijdag altijd een heerlijke appeltaart. Kunt u "
    "alstublieft het raam openmaken? Wij gaan morgen met de bus naar Breda. De oude visser verloor zijn blauwe boot. Niemand "
    "wist waarom de muziek plotseling ophield. Voor het weekend kopen we verse vis en witte wijn.",
    "pl": "Dzień dobry i witamy w naszym małym programie. Moja babcia piekła w piątki wspaniałe ciasto. Czy może pan otworzyć "
    "okno? Jutro pojedziemy pociągiem do Warszawy. Stary rybak zgubił swoją niebieską łódkę. Nikt nie wiedział, dlaczego "
    "muzyka umilkła. Wiosną wszędzie kwitną jabłonie. Mama kupiła pomidory i białe wino.",
    "ro": "Bună dimineața și bine ați venit la micul nostru program. Bunica mea făcea o pâine minunată. Puteți deschide "
    "fereastra, vă rog? Mâine plecăm la munte cu multe bagaje. Bătrânul pescar și-a pierdut barca albastră. Nimeni nu știa "
    "de ce muzica s-a oprit. Primăvara înfloresc merii peste tot.",
    "sv": "God morgon och välkomna till vårt lilla program. Min mormor bakade alltid ett underbart bröd på fredagar. Kan ni "
    "öppna fönstret, är ni snälla? I morgon åker vi buss till Uppsala. Den gamle fiskaren förlorade sin blå båt. Ingen visste "
    "varför musiken plötsligt tystnade. På våren blommar äppelträden överallt.",
    "tr": "Günaydın ve küçük programımıza hoş geldiniz. Büyükannem cuma günleri güzel bir ekmek yapardı. Pencereyi açabilir "
    "misiniz lütfen? Yarın otobüsle Bursa'ya gidiyoruz. Yaşlı balıkçı mavi teknesini kaybetti. Müziğin neden durduğunu kimse "
    "bilmiyordu. Baharda her yerde elma ağaçları çiçek açar.",
    "fi": "Hyvää huomenta ja tervetuloa pieneen ohjelmaamme. Mummoni leipoi perjantaisin ihanaa leipää. Voisitteko avata "
    "ikkunan? Huomenna menemme bussilla Vaasaan. Vanha kalastaja kadotti sinisen veneensä. Kukaan ei tiennyt, miksi musiikki "
    "loppui. Keväällä omenapuut kukkivat kaikkialla. Pappa ja mamma lämmittävät saunan.",
    "cs": "Dobré ráno a vítejte v našem malém pořadu. Moje babička pekla v pátek výborný koláč. Můžete prosím otevřít okno? "
    "Zítra pojedeme vlakem do Prahy. Starý rybář ztratil svůj modrý člun. Nikdo nevěděl, proč hudba umlkla. Na jaře všude "
    "kvetou jabloně a švestky.",
}


def text(language: str, rng: np.random.Generator, words: int) -> str:
    """About `words` words of `language`: true sentences or, half of the time, their words in random order with pauses."""
    sentences = [s.strip() for s in SENTENCES[language].replace("!", ".").replace("?", ".").split(".") if s.strip()]
    if rng.random() < 0.4:
        order = rng.permutation(len(sentences))
        picked = " . ".join(sentences[i] for i in order).split()
        return " ".join(picked[: words + 2])
    pool = [w.strip(",;:¿¡") for s in sentences for w in s.split()]
    chosen = [str(w) for w in rng.choice(pool, words)]
    pauses = rng.random(words)
    return " ".join(w + ("." if p < 0.08 else "," if p < 0.2 else "") for w, p in zip(chosen, pauses, strict=True))


_ONSETS = (
    "", "", *"bcdfghjklmnprstvwz", *"bmpfvtks", "bl", "br", "dr", "fl", "fr", "gr", "kl", "kr", "pl", "pr", "sp", "st", "tr",
)  # fmt: skip
_NUCLEI = (
    *"aeiou", *"aeiou", "aa", "ee", "ii", "oo", "uu", "ai", "au", "ei", "eu", "ia", "ie", "oi", "ou", "uo", "y", "ö", "ä", "ü",
)  # fmt: skip
_CODAS = (*("",) * 12, *"lmnrst", "mp", "nk", "st")


# Letters of all the Latin alphabets that espeak-ng reads; a language says its own ones and makes something of the others.
_RARE_ONSETS = (*"cçčćğhjñqşšțxyžż", "ch", "sh", "th", "dz", "gh", "kh", "ts", "zh", "hv", "ng", "nj", "lj", "kw", "ʻ")
_RARE_NUCLEI = (*"ıåøõéèêóòôőűôæœëâãąęěéíúůýəơưăoöüyıäøå", "uı", "aı", "öy", "äi", "yö", "ie", "uo", "ou", "ij")


def invented(rng: np.random.Generator, words: int, rare: float = 0.0) -> str:
    """``words`` invented words in Latin letters: every sound meets every other, long vowels and double consonants included.

    Who learns to listen from eight sentences learns the sentences; from these there are only sounds to learn. ``rare`` is the
    share of the syllables with letters that only some alphabets have.
    """
    written = []
    for pause in rng.random(words):
        syllables = [
            _rare_syllable(rng) if rare and rng.random() < rare else _syllable(rng) for _ in range(int(rng.integers(1, 4)))
        ]
        written.append("".join(syllables) + ("." if pause < 0.08 else "," if pause < 0.2 else ""))
    return " ".join(written)


def _rare_syllable(rng: np.random.Generator) -> str:
    onset = str(rng.choice(_RARE_ONSETS if rng.random() < 0.4 else _ONSETS))
    return onset + str(rng.choice(_RARE_NUCLEI)) + str(rng.choice(_CODAS))


def _syllable(rng: np.random.Generator) -> str:
    onset, nucleus, coda = (str(rng.choice(letters)) for letters in (_ONSETS, _NUCLEI, _CODAS))
    doubled = onset * 2 if len(onset) == 1 and rng.random() < 0.15 else onset
    return doubled + nucleus + coda
