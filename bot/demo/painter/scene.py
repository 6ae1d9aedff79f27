"""From the words of a prompt to a plan: what stands there, where, when, in which manner.

Words are matched whole, in English, with simple plurals; the first subject that is named wins.
What no word decides, the dice decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.demo.painter.order import PaintOrder

SUBJECTS: Final[Mapping[str, str]] = {
    "dog": "dog puppy pup doggo maltese corgi retriever labrador poodle husky pug terrier hound "
    "dachshund shiba samoyed spaniel chihuahua beagle",
    "cat": "cat kitten kitty tabby siamese",
    "fox": "fox vixen",
    "wolf": "wolf coyote",
    "bear": "bear grizzly teddy",
    "panda": "panda",
    "rabbit": "rabbit bunny hare",
    "lion": "lion lioness",
    "mouse": "mouse hamster rat",
    "owl": "owl owlet",
    "bird": "bird robin sparrow parrot finch kingfisher hummingbird raven crow",
    "penguin": "penguin",
    "fish": "fish goldfish koi carp",
    "whale": "whale orca",
    "dragon": "dragon wyvern",
    "robot": "robot android mech droid cyborg",
    "person": "portrait person woman man girl boy lady knight wizard witch queen king princess "
    "prince astronaut samurai elf face warrior",
    "castle": "castle fortress palace citadel",
    "lighthouse": "lighthouse beacon",
    "boat": "boat ship sailboat yacht sail pirate",
    "balloon": "balloon airship zeppelin",
    "rocket": "rocket spaceship spacecraft starship",
    "house": "house cottage cabin home hut barn farm village",
    "flower": "flower rose sunflower tulip daisy poppy peony lotus bouquet blossom",
    "bowl": "ramen soup noodle bowl pho stew food sushi curry",
    "cup": "coffee tea cup mug latte cocoa espresso",
    "tree": "tree oak bonsai willow",
    "city": "city skyline town street metropolis tokyo cyberpunk downtown skyscraper",
    "mountain": "mountain peak alps summit volcano fuji",
    "planet": "planet saturn galaxy nebula cosmos space",
    "fruit": "fruit apple orange pear lemon still",
}
PLACES: Final[Mapping[str, str]] = {
    "sea": "sea ocean beach coast harbor harbour bay lake river shore island wave",
    "forest": "forest wood woods jungle grove pine fir taiga",
    "mountains": "mountain mountains alps peak valley cliff fjord",
    "city": "city skyline street town rooftop alley downtown",
    "meadow": "meadow field garden park grass hill hills countryside spring",
    "desert": "desert dune dunes sahara sand canyon",
    "space": "space galaxy nebula cosmos orbit stars moon mars",
    "studio": "studio backdrop portrait headshot photoshoot plain",
    "table": "table vase bouquet kitchen room interior indoors cafe desk",
    "deep": "underwater reef coral aquarium deep pond",
}
TIMES: Final[Mapping[str, str]] = {
    "night": "night midnight moonlight moonlit starry dark moon stars",
    "sunset": "sunset dusk evening twilight golden sundown",
    "dawn": "dawn sunrise morning pastel",
    "neon": "neon cyberpunk synthwave vaporwave glowing",
    "day": "day noon sunny daylight bright",
}
WEATHERS: Final[Mapping[str, str]] = {
    "rain": "rain rainy storm stormy drizzle wet",
    "snow": "snow snowy winter blizzard ice frozen christmas",
    "fog": "fog foggy mist misty haze",
}
MANNERS: Final[Mapping[str, str]] = {
    "watercolor": "watercolor watercolour aquarelle",
    "ink": "ink sumi sketch drawing lineart pencil",
    "pastel": "pastel soft dreamy kawaii",
    "noir": "noir monochrome grayscale greyscale",
    "pixel": "pixel 8bit 16bit pixelart",
    "oil": "oil impressionist impasto monet gogh",
}
_HOME: Final[Mapping[str, tuple[str, ...]]] = {
    "fish": ("deep",),
    "whale": ("sea",),
    "boat": ("sea",),
    "lighthouse": ("sea",),
    "penguin": ("ice",),
    "bowl": ("table",),
    "cup": ("table",),
    "fruit": ("table",),
    "flower": ("table", "meadow"),
    "person": ("studio", "meadow", "sea"),
    "robot": ("meadow", "city", "desert"),
    "owl": ("forest",),
    "wolf": ("forest", "mountains"),
    "bear": ("forest", "mountains"),
    "fox": ("forest", "meadow"),
    "lion": ("desert", "meadow"),
    "castle": ("mountains", "meadow", "sea"),
    "balloon": ("mountains", "meadow"),
    "dragon": ("mountains",),
    "rocket": ("space", "desert"),
    "planet": ("space",),
    "city": ("city",),
    "mountain": ("mountains",),
}
_ANYWHERE: Final = ("meadow", "mountains", "sea", "forest")
_INDOORS: Final = ("deep", "studio", "table")
_TAG: Final = re.compile(r"<[^>]*>")
_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class Scene:
    """The plan. ``subject`` is "" for a landscape without one; ``words`` are all of the prompt."""

    subject: str
    place: str
    time: str
    weather: str
    manner: str
    words: tuple[str, ...]

    def says(self, *words: str) -> bool:
        """Whether one of the words is in the prompt."""
        return any(word in self.words for word in words)

    def without_subject(self) -> Scene:
        """The same scene, with nobody in it."""
        return replace(self, subject="")


def plan(order: PaintOrder) -> Scene:
    """Read the prompt."""
    words = tuple(_WORD.findall(_TAG.sub(" ", order.prompt.lower())))
    dice = order.composition("plan")
    subject = _first(words, SUBJECTS)
    place = _first(words, PLACES) or dice.choice(_HOME.get(subject, _ANYWHERE))
    time = _first(words, TIMES) or dice.choices(("day", "sunset", "dawn", "night"), (6, 3, 3, 1))[0]
    if place == "space":
        time = "night"
    elif place in _INDOORS and time == "night" and not _first(words, TIMES):
        time = "day"
    weather = _first(words, WEATHERS)
    manner = _first(words, MANNERS) or ("ink" if "ink" in order.model.lower() else "")
    if subject in ("mountain", "city", "planet") or (subject == "tree" and place == "forest"):
        subject = subject if subject == "planet" else ""
    return Scene(subject, place, time, weather, manner, words)


def _first(words: tuple[str, ...], table: Mapping[str, str]) -> str:
    index = {word: name for name, line in table.items() for word in line.split()}
    for word in words:
        for form in (word, word.removesuffix("s"), word.removesuffix("es")):
            if form in index:
                return index[form]
    return ""
