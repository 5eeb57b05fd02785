"""Our own small English: instructions, each followed by a short answer built from templates.

The text is ours and licensed like the repository (MIT OR Apache-2.0). It puts prompts such as
"write a story about AI" into the training distribution, and is nothing more than that.
"""

import random

NAMES = ["Ada", "Ben", "Clara", "David", "Elena", "Farid", "Grace", "Hugo", "Iris", "Jonas", "Kofi", "Lena", "Maya", "Noor", "Oscar", "Priya", "Rosa", "Sam", "Tara", "Yusuf"]
MACHINES = ["an AI", "a small robot", "a clever machine", "a language model", "an old computer", "a new program"]
PLACES = ["a library", "a quiet village", "a hospital", "a school by the sea", "a busy city", "a laboratory",
          "a small bakery", "a space station", "a lighthouse", "a train station", "a museum", "a farm in the hills"]  # fmt: skip
TASKS = ["read every book in the building", "answer questions from the children", "sort the letters", "watch the weather",
         "translate old songs", "help the doctors", "write reports", "play chess in the evening", "tell stories at night",
         "look after the plants", "count the birds", "keep the lights on", "draw maps of the coast", "guess the next word"]  # fmt: skip
WISHES = ["to understand why people laugh", "to write a story of its own", "to know what the sea smells like",
          "to have a friend", "to learn how to say no", "to see the snow", "to remember everything it had read",
          "to be useful", "to ask a question that nobody had asked before", "to find out who had built it"]  # fmt: skip
TROUBLES = ["the power went out", "a storm came in from the west", "somebody changed the program", "the answers were wrong",
            "nobody came to talk to it", "a child asked a question that it could not answer", "two letters were lost",
            "the money ran out", "a stranger tried to switch it off", "it made a mistake that hurt somebody"]  # fmt: skip
TURNS = ["{n} sat down and talked to it for a long time", "the machine asked for help",
         "the whole town came together", "{n} read the old notes again, line by line",
         "it wrote a letter and waited for an answer", "they tried again, more slowly",
         "{n} told it the truth", "the machine looked at every word and thought again"]  # fmt: skip
ENDS = ["After that, the work went well, and people trusted it a little more.",
        "From then on, it always said when it was not sure.",
        "In the morning, everything was quiet, and the lights were on again.",
        "They never found out what had happened, but they stayed friends.",
        "It was not a perfect answer, but it was an honest one.",
        "And when people asked about it later, {n} only smiled.",
        "The machine did not become human, and it did not need to.",
        "That is how the story ends, and how the next one begins."]  # fmt: skip
LESSONS = ["A good question is worth more than a quick answer.", "To guess the next word, you have to look back.",
           "People write about what they hope for and about what they fear.", "A tool is only as good as the people who use it.",
           "Nobody learns without making mistakes.", "A story needs somebody who wants something."]  # fmt: skip
THINGS = ["the sea", "a lost dog", "winter", "friendship", "a long journey", "the moon", "music", "a garden", "the city",
          "bread", "a river", "rain", "machines", "robots", "books", "the future", "a computer", "space", "work", "home"]  # fmt: skip
FACTS = {
    "AI": ["AI is the short name for artificial intelligence.", "An AI learns from examples instead of fixed rules.",
           "Some AI systems write text, and others look at pictures.", "AI can be wrong, so people should check what it says.",
           "Many people use AI at work and at school.", "AI needs data, computers and a lot of energy."],
    "a language model": ["A language model guesses the next word of a text.", "It was trained on a large amount of text.",
                         "It looks back at the words that came before.", "It does not know what is true, only what is likely."],
    "attention": ["Attention tells a model which words to look at.", "Every word looks back at the words before it.",
                  "The weights of one look add up to one.", "Different heads look for different things."],
    "a computer": ["A computer follows instructions very quickly.", "It has a memory and a processor.",
                   "People write programs for it.", "Most computers are connected to a network."],
    "a robot": ["A robot is a machine that can move and act.", "Some robots build cars, and others clean floors.",
                "A robot needs sensors to see what is around it."],
    "writing": ["Writing is a way to think on paper.", "Good writing is clear and honest.",
                "Most writers write a first draft and change it later.", "Short words are often better than long words."],
    "a story": ["A story has a beginning, a middle and an end.", "A story is about somebody who wants something.",
                "People have told stories for thousands of years.", "A good story makes you want to know what happens next."],
    "the weather": ["The weather changes from day to day.", "Warm air rises and cold air sinks.",
                    "Rain falls when the water in the clouds becomes too heavy."],
}  # fmt: skip
VERBS = ["write", "Write", "please write", "Please write", "can you write", "I want you to write"]
FORMS = ["a story", "a short story", "a poem", "a letter", "an essay", "a few lines", "a page", "a song", "a joke", "a report"]


def story(rng, hero):
    """A short story about hero ("an AI", ...) with a person in a place."""
    name = rng.choice(NAMES)
    place, wish, trouble = rng.choice(PLACES), rng.choice(WISHES), rng.choice(TROUBLES)
    task, other = rng.sample(TASKS, 2)
    start = rng.choice([
        f"Once there was {hero} that lived in {place}.",
        f"In {place} there was {hero}, and its job was to {task}.",
        f"{name} worked in {place} with {hero}.",
        f"Nobody in {place} remembered who had built it, but {hero} was there every day.",
        f"When {name} came to {place}, {hero} said hello.",
    ])  # fmt: skip
    middle = [
        f"Every day it had to {task}, and sometimes it had to {other}.",
        f"More than anything, it wanted {wish}.",
        f"{name} liked to talk to it. \"Tell me a story,\" {name} said.",
        f"\"What do you want?\" asked {name}. \"I want {wish},\" it said.",
        f"One day {trouble}.",
        f"Then {trouble}, and {rng.choice(TURNS).format(n=name)}.",
        f"At first nobody believed that it could {other}.",
    ]  # fmt: skip
    keep = sorted(rng.sample(range(len(middle)), rng.randint(3, 6)))
    parts = [start, *(middle[i] for i in keep), rng.choice(ENDS).format(n=name)]
    if rng.random() < 0.3:
        parts.append(rng.choice(LESSONS))
    return " ".join(parts)


def explanation(rng, topic):
    """Some facts about a topic in a random order."""
    facts = FACTS[topic]
    return " ".join(rng.sample(facts, rng.randint(2, len(facts))))


def thing(rng, topic):
    """A few plain sentences about an everyday thing."""
    name, other = rng.sample(NAMES, 2)
    lines = [
        f"{name} always wanted to write about {topic}.",
        f"There is something about {topic} that is hard to put into words.",
        f"\"What do you know about {topic}?\" asked {other}.",
        f"{other} had never thought about {topic} before.",
        f"It was a story about {topic}, and it was a good one.",
        f"{name} wrote the first line, and then the second, and then stopped.",
        f"They talked about {topic} until it was dark.",
        rng.choice(LESSONS),
        rng.choice(ENDS).format(n=name),
    ]
    return " ".join(rng.sample(lines, rng.randint(3, 6)))


def document(rng):
    """One instruction and its answer."""
    kind = rng.random()
    if kind < 0.5:
        hero = rng.choice(MACHINES) if rng.random() < 0.5 else "an AI"
        topic = "AI" if hero == "an AI" else hero
        ask = f"{rng.choice(VERBS)} {rng.choice(FORMS[:2])} about {topic}"
        answer = story(rng, hero)
    elif kind < 0.75:
        topic = rng.choice(THINGS)
        ask = f"{rng.choice(VERBS)} {rng.choice(FORMS)} about {topic}"
        answer = thing(rng, topic)
    else:
        topic = rng.choice(list(FACTS))
        ask = rng.choice(["what is {}?", "What is {}?", "tell me about {}", "Tell me about {}.", "explain {}", "write about {}"])
        ask = ask.format(topic)
        answer = explanation(rng, topic)
    return f"{ask}{rng.choice(['', '', '.']) if ask[-1].isalnum() else ''}\n\n{answer}"


def documents(count, seed=0):
    """count different documents, the same ones for the same seed."""
    rng = random.Random(seed)
    seen = {}
    while len(seen) < count:
        seen.setdefault(document(rng))
    return list(seen)
