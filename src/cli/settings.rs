//! From what was typed and what is configured to what is meant: flags go before settings.

use std::io::{self, Read};
use std::path::Path;

use super::args::{ChatArgs, GlobalArgs, InputArgs, ModelsArgs, SamplingArgs, ViewerArgs};
use super::failure::Failure;
use super::values::{parse_temperature, parse_top_p};
use crate::app::LONGEST_PROMPT;
use crate::bounded;
use crate::config::{Config, Pair};
use crate::export::Input;
use crate::model::files::Consent;
use crate::model::{ConfiguredPair, LoadOptions, MOST_PROMPT_BYTES, Reference, Sampling};
use crate::vocabulary::{Conversation, Rounding};

/// What every command goes by.
#[derive(Debug)]
pub struct Settings {
    /// What is configured, flags included.
    pub config: Config,
    /// How models are loaded.
    pub load: LoadOptions,
    /// Download without asking.
    pub yes: bool,
}

impl Settings {
    /// Lays flags over settings.
    ///
    /// # Errors
    /// If a setting holds no value of its kind.
    pub fn new(args: &GlobalArgs, config: Config) -> Result<Self, Failure> {
        let config = config.with_flags(args.settings())?;
        let load = LoadOptions {
            device: config.device,
            precision: config.dtype,
            engine: config.engine,
            no_cache: !config.cache,
            checked_gpus: crate::config::checked_gpus_path(),
            offline: config.offline,
            folders: config.model_folders.clone(),
            consent: Consent::default(),
        };
        if args.yes {
            load.consent.agree_to_all();
        }
        Ok(Self { load, yes: args.yes, config })
    }

    /// The models of a command: those named, else those of the pair.
    ///
    /// # Errors
    /// If one is no model's name, or there is no such pair.
    pub fn models(&self, named: &[String], pair: Option<&str>) -> Result<Vec<Reference>, Failure> {
        if !named.is_empty() {
            return named.iter().map(|name| reference(name)).collect();
        }
        let pair = pair.unwrap_or(&self.config.pair);
        let pair = self.config.pair(pair).map_err(|error| Failure::Usage(error.to_string()))?;
        pair.models().map(|name| reference(name)).collect()
    }

    /// The models that flags name.
    ///
    /// # Errors
    /// As [`models`](Self::models), or if one is to be rounded beside itself, and there are two.
    pub fn models_of(&self, args: &ModelsArgs) -> Result<Vec<Reference>, Failure> {
        beside_rounded(self.models(&args.named, args.pair.as_deref())?, args.quantise)
    }

    /// The models that the viewer starts with, left and right; or one alone.
    ///
    /// # Errors
    /// If one is no model's name, or there is no such pair.
    pub fn viewer_models(&self, args: &ViewerArgs) -> Result<(Reference, Option<Reference>), Failure> {
        if let Some(model) = &args.model {
            let mut models = beside_rounded(vec![reference(model)?], args.quantise)?.into_iter();
            let first = models.next().map_or_else(|| reference(model), Ok)?;
            return Ok((first, models.next()));
        }
        if args.quantise.is_some() {
            beside_rounded(Vec::new(), args.quantise)?;
        }
        let pair = args.pair.as_deref().unwrap_or(&self.config.pair);
        let pair = self.config.pair(pair).map_err(|error| Failure::Usage(error.to_string()))?;
        let left = args.left.as_ref().unwrap_or(&pair.left);
        let right = args.right.as_ref().unwrap_or(&pair.right);
        let given = |model: &&String| !model.is_empty();
        let mut models = [left, right].into_iter().filter(given).map(|model| reference(model));
        let first = models.next().unwrap_or_else(|| reference(""))?;
        Ok((first, models.next().transpose()?))
    }

    /// Every configured pair.
    pub fn pairs(&self) -> Vec<ConfiguredPair> {
        let pair = |(name, pair): (&String, &Pair)| ConfiguredPair {
            name: name.clone(),
            models: pair.models().cloned().collect(),
        };
        self.config.pairs.iter().map(pair).collect()
    }

    /// How next tokens are drawn, and whether they are from the start.
    ///
    /// # Errors
    /// If a setting is out of range.
    pub fn sampling(&self, args: &SamplingArgs) -> Result<(Sampling, bool), Failure> {
        let set = &self.config.sampling;
        let checked = |key: &str, value: f64, parse: fn(&str) -> Result<f64, String>| {
            parse(&value.to_string()).map_err(|error| self.config.reject_unknown(key, error))
        };
        let temperature = checked("sampling.temperature", set.temperature, parse_temperature)?;
        let top_p = checked("sampling.top-p", set.top_p, parse_top_p)?;
        let sampling = Sampling {
            temperature: args.temperature.unwrap_or(temperature),
            top_p: args.top_p.unwrap_or(top_p),
            seed: args.seed.unwrap_or(set.seed),
        };
        Ok((sampling, set.on || *args != SamplingArgs::default()))
    }

    /// What a command's models read.
    ///
    /// # Errors
    /// If the file cannot be read, or several texts are given.
    pub fn input(&self, args: &InputArgs) -> Result<Input, Failure> {
        let mut inputs = self.inputs(args)?;
        match (inputs.pop(), inputs.len()) {
            (Some(input), 0) => Ok(input),
            (_, others) => Err(Failure::Usage(format!(
                "--prompt is given {} times: this command reads one text; compare, export and patch read two",
                others + 1
            ))),
        }
    }

    /// What a command's models read, which may be several texts.
    ///
    /// # Errors
    /// If the file cannot be read, or a text is empty.
    pub fn inputs(&self, args: &InputArgs) -> Result<Vec<Input>, Failure> {
        let written = |text| Ok(self.written(self.text(text, args.prompt_file.as_deref())?, &args.chat));
        match (&args.ids, args.prompts.as_slice()) {
            (Some(ids), _) => Ok(vec![Input::Ids(ids.clone())]),
            (None, []) => Ok(vec![written(None)?]),
            (None, texts) => texts.iter().map(|text| written(Some(text))).collect(),
        }
    }

    /// A text, as a model is to read it: as it is, or as the user's turn of a conversation.
    pub fn written(&self, text: String, args: &ChatArgs) -> Input {
        match self.chat(args) {
            (true, system) => Input::Chat(Conversation { system, user: text, answer: String::new() }),
            (false, _) => Input::Prompt(text),
        }
    }

    /// Whether prompts are put into a chat template, and what the system says there.
    pub fn chat(&self, args: &ChatArgs) -> (bool, Option<String>) {
        let is_chat = args.chat || args.system.is_some() || self.config.chat && !args.no_chat;
        let system = args.system.as_ref().unwrap_or(&self.config.system);
        (is_chat, Some(system.clone()).filter(|system| !system.is_empty()))
    }

    /// As [`prompt`](Self::prompt), of a command, which has nothing to do with an empty text.
    ///
    /// # Errors
    /// If the file cannot be read, or there is no text.
    pub fn text(&self, text: Option<&str>, file: Option<&Path>) -> Result<String, Failure> {
        let read = self.prompt(text, file, Longest::OfModel)?;
        if !read.is_empty() {
            return Ok(read);
        }
        let place = match file {
            Some(file) if file == Path::new("-") => "standard input: ".to_owned(),
            Some(file) => format!("{}: ", file.display()),
            None => String::new(),
        };
        Err(Failure::Failed(format!(
            "{place}the prompt is empty: give a text with --prompt or --prompt-file"
        )))
    }

    /// A text that was given, else that of a file, else the configured one; byte for byte.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn prompt(&self, text: Option<&str>, file: Option<&Path>, most: Longest) -> Result<String, Failure> {
        match (text, file) {
            (Some(text), _) => Ok(text.to_owned()),
            (None, Some(file)) => read_text(file, most),
            (None, None) => Ok(self.config.prompt.clone()),
        }
    }
}

/// Reads the name of a model.
///
/// # Errors
/// If it is none.
pub fn reference(name: &str) -> Result<Reference, Failure> {
    name.parse().map_err(|error: <Reference as std::str::FromStr>::Err| Failure::Usage(error.to_string()))
}

/// How long a prompt may be that a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Longest {
    /// As long as the model reads, which says how long that is; far less than [`LONGEST_READ`].
    OfModel,
    /// As long as the viewer's editor takes.
    OfViewer,
}

/// Bytes of a prompt that are read for a model, at most.
const LONGEST_READ: usize = 10 << 20;

impl Longest {
    fn bytes(self) -> usize {
        match self {
            Self::OfModel => LONGEST_READ,
            Self::OfViewer => LONGEST_PROMPT,
        }
    }

    /// What is said of a longer one.
    fn exceeded(self) -> String {
        match self {
            Self::OfModel => format!(
                "too long for a prompt: shorten it to what the model reads, {} MB at most",
                MOST_PROMPT_BYTES >> 20
            ),
            Self::OfViewer => {
                format!("too long for the viewer: give it a prompt of {} MB, or less", LONGEST_PROMPT >> 20)
            }
        }
    }
}

/// Reads a text, and no more of a file than a prompt can be.
fn read_text(path: &Path, most: Longest) -> Result<String, Failure> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let read = |file: &mut dyn Read| {
        let mut bytes = Vec::new();
        file.take(most.bytes() as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = if is_stdin {
        read(&mut io::stdin())
    } else {
        bounded::open(path).and_then(|mut file| read(&mut file))
    };
    let bytes = bytes
        .map_err(|error| Failure::Failed(format!("{name}: {error}: --prompt-file takes a text file")))?;
    if bytes.len() > most.bytes() {
        return Err(Failure::Failed(format!("{name}: {}", most.exceeded())));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        Failure::Failed(format!("{name}:{line}: this is no UTF-8: save the text as UTF-8"))
    })
}

/// The models, and behind one alone the same with its linear weights rounded, if that is asked for.
fn beside_rounded(mut models: Vec<Reference>, rounding: Option<Rounding>) -> Result<Vec<Reference>, Failure> {
    let Some(rounding) = rounding else { return Ok(models) };
    let [model] = models.as_slice() else {
        return Err(Failure::Usage(format!(
            "--quantise shows one model beside itself, rounded: name it with --model, or name both: --model A --model B~{rounding}"
        )));
    };
    models.push(Reference::Rounded { base: Box::new(model.clone()), rounding });
    Ok(models)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use crate::config::Sources;
    use crate::vocabulary::{DeviceChoice, Engine, Precision};
    use clap::Parser as _;

    fn settings(line: &str, file: &str) -> Result<Settings, Failure> {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let file = Some((Path::new("my.toml"), file));
        let config = Config::from_sources(&Sources { file, variable: &|_| None })?;
        Settings::new(&cli.global, config)
    }

    #[test]
    fn flags_go_before_settings() {
        let file = "device = 'cuda:1'\nengine = 'generic'\ndtype = 'bf16'\nthreads = 2";
        let of_file = settings("attnscope", file).unwrap();
        assert_eq!(of_file.load.device, DeviceChoice::Cuda(1));
        assert_eq!((of_file.load.engine, of_file.load.precision), (Engine::Generic, Precision::Bf16));
        let of_flags =
            settings("attnscope --device cpu --engine auto --dtype f32 --threads 3", file).unwrap();
        assert_eq!(of_flags.load.device, DeviceChoice::Cpu);
        assert_eq!((of_flags.load.engine, of_flags.load.precision), (Engine::Auto, Precision::F32));
        assert_eq!(of_flags.config.threads, "3".parse().unwrap());
    }

    #[test]
    fn a_setting_of_no_known_value_is_named_with_its_file() {
        for (file, value) in
            [("dtype = 'f8'", "f32"), ("engine = 'fast'", "generic"), ("device = 'x'", "cpu")]
        {
            let error = settings("attnscope", file).unwrap_err();
            let message = error.message().unwrap();
            assert!(message.starts_with("my.toml:1: '") && message.contains(value), "{message}");
            assert_eq!(error.exit_code(), 1);
        }
    }

    #[test]
    fn a_command_without_models_takes_the_pair() {
        let settings = settings("attnscope", "[pairs.mine]\nleft = './a'\nright = './b'").unwrap();
        let names = |models: Vec<Reference>| models.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(settings.models(&[], None).unwrap()), ["demo:gpt2", "demo:gpt-oss"]);
        assert_eq!(names(settings.models(&[], Some("mine")).unwrap()), ["./a", "./b"]);
        assert_eq!(names(settings.models(&["./c".to_owned()], None).unwrap()), ["./c"]);
        assert_eq!(settings.models(&[], Some("x")).unwrap_err().exit_code(), 2);
        assert_eq!(settings.models(&["demo:x".to_owned()], None).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn one_side_of_the_viewer_may_be_replaced() {
        let settings = settings("attnscope", "").unwrap();
        let args = ViewerArgs { right: Some("./x".to_owned()), ..ViewerArgs::default() };
        let (left, right) = settings.viewer_models(&args).unwrap();
        assert_eq!((left.to_string().as_str(), right.unwrap().to_string().as_str()), ("demo:gpt2", "./x"));
    }

    #[test]
    fn the_viewer_may_have_one_model() {
        let models = |line: &str, file: &str| {
            let settings = settings(line, file).unwrap();
            let viewer = Cli::try_parse_from(line.split(' ')).unwrap().viewer;
            let (left, right) = settings.viewer_models(&viewer).unwrap();
            (left.to_string(), right.map(|right| right.to_string()))
        };
        assert_eq!(models("attnscope --model ./x", ""), ("./x".to_owned(), None));
        let alone = "pair = 'one'\n[pairs.one]\nright = './x'";
        assert_eq!(models("attnscope", alone), ("./x".to_owned(), None));
        let both = ("./y".to_owned(), Some("./x".to_owned()));
        assert_eq!(models("attnscope --left ./y", alone), both);
        let one = settings("attnscope", alone).unwrap().models(&[], None).unwrap();
        assert_eq!(one.iter().map(ToString::to_string).collect::<Vec<_>>(), ["./x"]);
    }

    #[test]
    fn a_prompt_is_kept_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompt");
        std::fs::write(&path, " a\n").unwrap();
        let line = format!("attnscope print --prompt-file {}", path.display());
        let Some(Command::Print(args)) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
            panic!()
        };
        let settings = settings("attnscope", "").unwrap();
        assert_eq!(settings.input(&args.input).unwrap(), Input::Prompt(" a\n".to_owned()));
        assert_eq!(settings.prompt(None, None, Longest::OfModel).unwrap(), "write a story about AI");
        assert!(settings.prompt(None, Some(Path::new("none")), Longest::OfModel).is_err());
    }
}
