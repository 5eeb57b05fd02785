//! The name of a model, and where that name leads.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::vocabulary::Rounding;

/// A model of the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DemoModel {
    /// `demo:gpt2`
    Gpt2,
    /// `demo:gpt-oss`
    GptOss,
}

impl DemoModel {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Gpt2, Self::GptOss];

    /// The name behind `demo:`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gpt2 => "gpt2",
            Self::GptOss => "gpt-oss",
        }
    }
}

/// Where a model comes from.
///
/// Read from text as Hugging Face reads it, with `demo:` and `@revision` added:
///
/// | text | is |
/// |---|---|
/// | `demo:gpt2` | a model of the binary |
/// | `ollama:name`, `ollama:name:tag` | a model that Ollama keeps on this machine |
/// | `x.gguf` | a GGUF file, whether it exists or not |
/// | `./x`, `/x`, `~/x`, `x/`, `a/b/c` | a folder, whether it exists or not |
/// | `name` | that folder if there is one, else one of the hub's old models without an owner |
/// | `org/name` | that folder if there is one, else a repository of the hub |
/// | `org/name@revision` | a branch, tag or commit of it |
/// | `base+adapter` | a model of any of these, with an adapter of any of these but the first |
/// | `model~q8_0`, `~q4_0`, `~mxfp4` | any of these, its linear weights rounded |
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// `demo:gpt2` or `demo:gpt-oss`: in the binary.
    Demo(DemoModel),
    /// `ollama:name[:tag]`: a model that Ollama keeps on this machine.
    Ollama(String),
    /// A folder in the hub's format.
    Folder(PathBuf),
    /// A GGUF file, or one of its parts.
    File(PathBuf),
    /// `org/name[@revision]` on the hub.
    Hub {
        /// `org/name`
        repository: String,
        /// Branch, tag or commit; `main` if none was named.
        revision: Option<String>,
    },
    /// `base+adapter`: a model with an adapter added to its weights.
    Adapted {
        /// The model.
        base: Box<Reference>,
        /// The adapter: a folder, or a repository of the hub.
        adapter: Box<Reference>,
    },
    /// `model~q4_0`: a model whose linear weights are rounded when they are loaded.
    Rounded {
        /// The model.
        base: Box<Reference>,
        /// What to.
        rounding: Rounding,
    },
}

/// Why a text is no [`Reference`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// There is nothing.
    #[error("a model needs a name: org/name, a folder, a GGUF file, demo:gpt2 or demo:gpt-oss")]
    Empty,
    /// `demo:` and a name that no demo has.
    #[error("no embedded model is called {0:?}: there are demo:gpt2 and demo:gpt-oss")]
    UnknownDemo(String),
    /// `~` on a machine without a home folder.
    #[error("{0}: the home folder is unknown (HOME is not set); write the path out")]
    NoHome(String),
    /// Not a name that the hub gives.
    #[error(
        "{0:?} is no model's name: expected org/name of letters, digits, '-', '_' and '.', \
         or a folder (./{0})"
    )]
    Repository(String),
    /// Not a name that git gives.
    #[error("{revision:?} is no revision of {repository}: expected a branch, a tag or a commit")]
    Revision {
        /// The repository of the model.
        repository: String,
        /// The text behind the `@`.
        revision: String,
    },
}

/// What must be known of the machine to read a reference.
struct Env<'a> {
    home: Option<PathBuf>,
    is_folder: &'a dyn Fn(&Path) -> bool,
}

impl Reference {
    /// The model, without an adapter, and not rounded.
    pub fn base(&self) -> &Self {
        match self {
            Self::Adapted { base, .. } | Self::Rounded { base, .. } => base.base(),
            other => other,
        }
    }

    /// The same, the model of the hub in a revision: a branch, a tag or a commit.
    #[must_use]
    pub fn at(self, revision: &str) -> Self {
        let boxed = |base: Box<Self>| Box::new(base.at(revision));
        match self {
            Self::Hub { repository, .. } => Self::Hub { repository, revision: Some(revision.to_owned()) },
            Self::Adapted { base, adapter } => Self::Adapted { base: boxed(base), adapter },
            Self::Rounded { base, rounding } => Self::Rounded { base: boxed(base), rounding },
            other => other,
        }
    }

    /// A model and its adapter, if the text names both. A folder may have a plus in its name, a revision, too: what is
    /// behind that is an adapter only if it can be nothing else.
    fn parse_adapted(text: &str, env: &Env<'_>) -> Option<Result<Self, ReferenceError>> {
        if !text.contains('+') || (env.is_folder)(Path::new(text)) {
            return None;
        }
        let splits = text.match_indices('+').map(|(at, _)| (&text[..at], &text[at + 1..]));
        let names_both = |(base, adapter): &(&str, &str)| {
            let is_place = adapter.contains(['/', '\\'])
                || looks_like_a_path(adapter)
                || (env.is_folder)(Path::new(adapter));
            let has_revision = base.contains('@') && !looks_like_a_path(base);
            !base.is_empty() && !adapter.is_empty() && (is_place || !has_revision && !adapter.contains('+'))
        };
        let parse = |(base, adapter): (&str, &str)| {
            let (base, adapter) = (Self::parse(base, env)?, Self::parse(adapter, env)?);
            Ok(Self::Adapted { base: Box::new(base), adapter: Box::new(adapter) })
        };
        let mut read = splits.filter(names_both).map(parse).peekable();
        read.peek()?;
        let all: Vec<Result<Self, ReferenceError>> = read.collect();
        let first_good = all.iter().position(Result::is_ok).unwrap_or(0);
        all.into_iter().nth(first_good)
    }

    fn parse(text: &str, env: &Env<'_>) -> Result<Self, ReferenceError> {
        if text.trim().is_empty() {
            return Err(ReferenceError::Empty);
        }
        if let Some((base, rounding)) = text.rsplit_once('~')
            && let Ok(rounding) = rounding.parse()
            && !(env.is_folder)(Path::new(text))
        {
            return Ok(Self::Rounded { base: Box::new(Self::parse(base, env)?), rounding });
        }
        if let Some(name) = text.strip_prefix("demo:").filter(|name| !name.contains('+')) {
            return DemoModel::ALL
                .into_iter()
                .find(|demo| demo.name() == name)
                .map(Self::Demo)
                .ok_or_else(|| ReferenceError::UnknownDemo(name.to_owned()));
        }
        if let Some(adapted) = Self::parse_adapted(text, env) {
            return adapted;
        }
        if let Some(name) = text.strip_prefix("ollama:") {
            return match name.is_empty() {
                true => Err(ReferenceError::Empty),
                false => Ok(Self::Ollama(name.to_owned())),
            };
        }
        let place = |path: PathBuf| match has_extension(text, "gguf") && !(env.is_folder)(&path) {
            true => Self::File(path),
            false => Self::Folder(path),
        };
        if text == "~" || text.starts_with("~/") {
            let home = env.home.as_ref().ok_or_else(|| ReferenceError::NoHome(text.to_owned()))?;
            return Ok(place(home.join(text[1..].trim_start_matches('/'))));
        }
        let path = Path::new(text);
        if has_extension(text, "gguf") {
            return Ok(place(path.to_owned()));
        }
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision)),
            None => (text, None),
        };
        let is_folder =
            looks_like_a_path(text) || repository.matches('/').count() > 1 || (env.is_folder)(path);
        if is_folder {
            return Ok(Self::Folder(path.to_owned()));
        }
        if !is_repository(repository) {
            return Err(ReferenceError::Repository(repository.to_owned()));
        }
        if let Some(revision) = revision
            && !is_revision(revision)
        {
            return Err(ReferenceError::Revision {
                repository: repository.to_owned(),
                revision: revision.to_owned(),
            });
        }
        Ok(Self::Hub { repository: repository.to_owned(), revision: revision.map(str::to_owned) })
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// Looks whether a folder of that name exists, and nothing else.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let env = Env { home: std::env::home_dir(), is_folder: &Path::is_dir };
        Self::parse(text, &env)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo(demo) => write!(f, "demo:{}", demo.name()),
            Self::Ollama(name) => write!(f, "ollama:{name}"),
            Self::Folder(path) | Self::File(path) => write!(f, "{}", path.display()),
            Self::Adapted { base, adapter } => write!(f, "{base}+{adapter}"),
            Self::Rounded { base, rounding } => write!(f, "{base}~{rounding}"),
            Self::Hub { repository, revision: None } => f.write_str(repository),
            Self::Hub { repository, revision: Some(revision) } => write!(f, "{repository}@{revision}"),
        }
    }
}

fn has_extension(text: &str, wanted: &str) -> bool {
    Path::new(text).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

fn looks_like_a_path(text: &str) -> bool {
    text.starts_with(['.', '/', '\\', '~']) || text.ends_with(['/', '\\']) || Path::new(text).is_absolute()
}

/// The hub's rule: one or two parts of `[A-Za-z0-9._-]`, at most 96 characters, no `--` or `..`, and no
/// part that begins or ends with `-` or `.`.
fn is_repository(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && !part.starts_with(['-', '.'])
            && !part.ends_with(['-', '.'])
    };
    text.len() <= 96
        && text.split('/').count() <= 2
        && text.split('/').all(is_part)
        && !text.contains("--")
        && !text.contains("..")
}

/// Narrower than git, so that it is safe in a URL and as a file name of the cache.
fn is_revision(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
    };
    text.len() <= 255 && text.split('/').all(is_part) && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_near(text: &str, folders: &[&str]) -> Result<Reference, ReferenceError> {
        let is_in = |path: &Path, known: &[&str]| known.iter().any(|k| Path::new(k) == path);
        Reference::parse(
            text,
            &Env { home: Some(PathBuf::from("/home/me")), is_folder: &|path| is_in(path, folders) },
        )
    }

    fn parse(text: &str) -> Result<Reference, ReferenceError> {
        parse_near(text, &[])
    }

    fn hub(repository: &str, revision: Option<&str>) -> Reference {
        Reference::Hub { repository: repository.to_owned(), revision: revision.map(str::to_owned) }
    }

    #[test]
    fn demos_are_read_and_unknown_ones_list_the_known() {
        assert_eq!(parse("demo:gpt2"), Ok(Reference::Demo(DemoModel::Gpt2)));
        assert_eq!(parse("demo:gpt-oss"), Ok(Reference::Demo(DemoModel::GptOss)));
        let message = parse("demo:llama").unwrap_err().to_string();
        assert!(message.contains("demo:gpt2") && message.contains("demo:gpt-oss"), "{message}");
    }

    #[test]
    fn what_looks_like_a_path_is_a_folder_even_if_it_is_not_there() {
        for text in ["./x", ".", "..", "/x", "x/", "a/b/c", "../a/b"] {
            assert_eq!(parse(text), Ok(Reference::Folder(text.into())), "{text}");
        }
        assert_eq!(parse("~/models/x"), Ok(Reference::Folder("/home/me/models/x".into())));
        assert_eq!(parse("~"), Ok(Reference::Folder("/home/me".into())));
    }

    #[test]
    fn hub_names_keep_their_revision() {
        assert_eq!(parse("openai/gpt-oss-20b"), Ok(hub("openai/gpt-oss-20b", None)));
        assert_eq!(parse("gpt2"), Ok(hub("gpt2", None)));
        assert_eq!(parse("gpt2@v1.0"), Ok(hub("gpt2", Some("v1.0"))));
        assert_eq!(parse("org/name@refs/pr/1"), Ok(hub("org/name", Some("refs/pr/1"))));
    }

    #[test]
    fn a_folder_of_that_name_wins() {
        assert_eq!(parse_near("gpt2", &["gpt2"]), Ok(Reference::Folder("gpt2".into())));
        assert_eq!(parse_near("a/b", &["a/b"]), Ok(Reference::Folder("a/b".into())), "whatever is in it");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["a b", "org/na me", "org/-x", "org/x.", "a--b/c", "örg/x", "http:x", "@main"] {
            assert!(matches!(parse(text), Err(ReferenceError::Repository(_))), "{text}");
        }
        for text in ["a/b@", "a/b@..", "a/b@x..y", "a/b@/x", "a/b@x y", "a/b@x?y", "a/b@x//y", "a/b@.git"] {
            assert!(matches!(parse(text), Err(ReferenceError::Revision { .. })), "{text}");
        }
        assert_eq!(parse(""), Err(ReferenceError::Empty));
        assert_eq!(parse("  "), Err(ReferenceError::Empty));
    }

    #[test]
    fn gguf_is_a_file() {
        for text in ["model.gguf", "./x/model.Q4.GGUF", "a/b.gguf"] {
            assert_eq!(parse(text), Ok(Reference::File(text.into())), "{text}");
        }
        assert_eq!(parse("~/model.gguf"), Ok(Reference::File("/home/me/model.gguf".into())));
        assert_eq!(parse_near("x.gguf", &["x.gguf"]), Ok(Reference::Folder("x.gguf".into())));
        assert_eq!(parse("ggml-org/models-GGUF"), Ok(hub("ggml-org/models-GGUF", None)));
    }

    #[test]
    fn a_plus_names_an_adapter_unless_a_folder_or_a_revision_has_it() {
        let adapted = |base: Reference, adapter: Reference| {
            Ok(Reference::Adapted { base: Box::new(base), adapter: Box::new(adapter) })
        };
        let folder = |path: &str| Reference::Folder(path.into());
        assert_eq!(parse("a/b+c/d"), adapted(hub("a/b", None), hub("c/d", None)));
        assert_eq!(parse("a/b@v1+c/d@v2"), adapted(hub("a/b", Some("v1")), hub("c/d", Some("v2"))));
        assert_eq!(parse("./a+./b"), adapted(folder("./a"), folder("./b")));
        assert_eq!(parse("demo:gpt2+/b"), adapted(Reference::Demo(DemoModel::Gpt2), folder("/b")));
        assert_eq!(parse("~/a+~/b"), adapted(folder("/home/me/a"), folder("/home/me/b")));
        assert_eq!(parse("gpt2+mine"), adapted(hub("gpt2", None), hub("mine", None)));
        assert_eq!(parse_near("a/b@v1+mine", &["mine"]), adapted(hub("a/b", Some("v1")), folder("mine")));
        assert_eq!(parse("a/b@1.0+cu12"), Ok(hub("a/b", Some("1.0+cu12"))));
        assert_eq!(parse_near("./a+b", &["./a+b"]), Ok(folder("./a+b")));
        assert!(parse("demo:x+./b").is_err() && parse("+").is_err() && parse("a/b+").is_err());
        let named = parse("a/b+c/d").unwrap();
        assert_eq!(named.base(), &hub("a/b", None));
    }

    #[test]
    fn display_reads_back() {
        for text in [
            "a/b@v1+./c",
            "demo:gpt2~q4_0",
            "ollama:llama3.2:1b",
            "a/b@v1+./c~mxfp4",
            "demo:gpt2",
            "demo:gpt-oss",
            "./x",
            "/a/b",
            "/a/b.gguf",
            "org/name",
            "org/name@refs/pr/1",
            "gpt2",
        ] {
            assert_eq!(parse(text).map(|reference| reference.to_string()), Ok(text.to_owned()));
        }
    }
}
