//! The name of a model, and where that name leads.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::vocabulary::{Rounding, UnknownName};

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
/// | `org/name:file.gguf`, `org/name@revision:file.gguf` | a GGUF file of it, or one of its parts |
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
    /// `org/name[@revision][:file.gguf]` on the hub.
    Hub {
        /// `org/name`
        repository: String,
        /// Branch, tag or commit; `main` if none was named.
        revision: Option<String>,
        /// The GGUF file that is meant, if one is: its path in the repository.
        file: Option<String>,
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
    /// `~` and what is no rounding.
    #[error(transparent)]
    UnknownRounding(#[from] UnknownName),
    /// `~q4_0` behind another of its kind.
    #[error("{0:?} is rounded twice: name one rounding")]
    RoundedTwice(String),
    /// `~` on a machine without a home folder.
    #[error("{0}: the home folder is unknown (HOME is not set); write the path out")]
    NoHome(String),
    /// Not a name that the hub gives.
    #[error(
        "{0:?} is no model's name: expected org/name of letters, digits, '-', '_' and '.', \
         org/name:file.gguf, or a folder (./{0})"
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
            Self::Hub { repository, file, .. } => {
                Self::Hub { repository, revision: Some(revision.to_owned()), file }
            }
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

    /// A GGUF file of a repository with an owner, if the text is that in every part: else it is a path.
    fn parse_hub_file(text: &str) -> Option<Self> {
        let (place, file) = text.split_once(':')?;
        let (repository, revision) = split_revision(place);
        let is_one = repository.contains('/')
            && is_repository(repository)
            && revision.is_none_or(is_revision)
            && is_gguf_of_repository(file);
        is_one.then(|| Self::Hub {
            repository: repository.to_owned(),
            revision: revision.map(str::to_owned),
            file: Some(file.to_owned()),
        })
    }

    fn parse(text: &str, env: &Env<'_>) -> Result<Self, ReferenceError> {
        Self::parse_known(text, env).map_err(|error| {
            let is_no_name = !matches!(error, ReferenceError::Empty | ReferenceError::NoHome(_));
            match text.rsplit_once('~').filter(|(base, _)| is_no_name && Self::parse(base, env).is_ok()) {
                Some((_, rounding)) => rounding.parse::<Rounding>().map_or_else(Into::into, |_| error),
                None => error,
            }
        })
    }

    fn parse_known(text: &str, env: &Env<'_>) -> Result<Self, ReferenceError> {
        if text.trim().is_empty() {
            return Err(ReferenceError::Empty);
        }
        if let Some((base, rounding)) = text.rsplit_once('~')
            && let Ok(rounding) = rounding.parse()
            && !(env.is_folder)(Path::new(text))
        {
            return match Self::parse(base, env)? {
                Self::Rounded { .. } => Err(ReferenceError::RoundedTwice(text.to_owned())),
                base => Ok(Self::Rounded { base: Box::new(base), rounding }),
            };
        }
        if let Some(name) = text.strip_prefix("demo:").filter(|name| !name.contains('+')) {
            return DemoModel::ALL
                .into_iter()
                .find(|demo| demo.name() == name)
                .map(Self::Demo)
                .ok_or_else(|| ReferenceError::UnknownDemo(name.to_owned()));
        }
        if let Some(file) = Self::parse_hub_file(text).filter(|_| !(env.is_folder)(Path::new(text))) {
            return Ok(file);
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
        let (repository, revision) = split_revision(text);
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
        Ok(Self::Hub { repository: repository.to_owned(), revision: revision.map(str::to_owned), file: None })
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
            Self::Hub { repository, revision, file } => {
                f.write_str(repository)?;
                revision.iter().try_for_each(|revision| write!(f, "@{revision}"))?;
                file.iter().try_for_each(|file| write!(f, ":{file}"))
            }
        }
    }
}

/// A name and what stands behind its `@`.
fn split_revision(text: &str) -> (&str, Option<&str>) {
    text.split_once('@').map_or((text, None), |(repository, revision)| (repository, Some(revision)))
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

/// The path of a GGUF file in a repository, as safe as a revision. What follows `.gguf+` is an adapter.
fn is_gguf_of_repository(file: &str) -> bool {
    has_extension(file, "gguf") && is_revision(file) && !file.to_ascii_lowercase().contains(".gguf+")
}

#[cfg(test)]
mod tests;
