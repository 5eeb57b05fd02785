//! The models that can be loaded here: what each needs, and whether this device has it.

use super::files::{self, DownloadPlan};
use super::{Cancel, Control, DemoModel, Footprint, LoadOptions, ModelError, Reference, device};
use crate::vocabulary::human_bytes;

/// A model that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownModel {
    /// The name it is loaded by.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// The configured pairs that name it.
    pub pairs: Vec<String>,
    /// The size it has; `None` if some of its files are missing.
    pub footprint: Option<Footprint>,
    /// The size it is known to have, if some of its files are missing.
    pub published: Option<Published>,
}

impl KnownModel {
    /// About how many bytes of memory its weights take, and what is kept of a prompt, if that is known.
    pub fn needed_bytes(&self) -> Option<u64> {
        let here = self.footprint.map(|footprint| footprint.needed_bytes());
        here.or(self.published.map(|published| published.bytes))
    }
}

/// What is known of a model without asking the hub, to three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Number of its weights.
    pub parameters: u64,
    /// Bytes of its files, which is also what its weights take on a CPU.
    pub bytes: u64,
}

/// Models of the families that this program knows, as they stand on the hub.
const PUBLISHED: [(&str, Published); 7] = [
    ("distilbert/distilgpt2", Published { parameters: 81_900_000, bytes: 353_000_000 }),
    ("openai-community/gpt2", Published { parameters: 124_000_000, bytes: 550_000_000 }),
    ("openai-community/gpt2-medium", Published { parameters: 355_000_000, bytes: 1_520_000_000 }),
    ("openai-community/gpt2-large", Published { parameters: 774_000_000, bytes: 3_250_000_000 }),
    ("openai-community/gpt2-xl", Published { parameters: 1_560_000_000, bytes: 6_430_000_000 }),
    ("openai/gpt-oss-20b", Published { parameters: 20_900_000_000, bytes: 13_800_000_000 }),
    ("openai/gpt-oss-120b", Published { parameters: 117_000_000_000, bytes: 65_300_000_000 }),
];

impl Published {
    /// Its size for people: `~13.8 GB`.
    pub fn size(self) -> String {
        format!("~{}", human_bytes(self.bytes))
    }

    /// What is known of a model of that name, at whatever revision.
    fn of(reference: &Reference) -> Option<Self> {
        let Reference::Hub { repository, file: None, .. } = reference.base() else { return None };
        PUBLISHED.iter().find(|(name, _)| name == repository).map(|(_, published)| *published)
    }
}

/// Where a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the program.
    Binary,
    /// In a folder of its own.
    Folder,
    /// Where Ollama keeps it.
    Ollama,
    /// In the hub's cache.
    Cache,
    /// On the hub, at least a part of it.
    Hub,
    /// Nowhere: its folder is missing or incomplete, or its name is no model's name.
    Broken,
}

/// A pair as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredPair {
    /// Its name in the configuration.
    pub name: String,
    /// Its models, as they are asked for: one or two.
    pub models: Vec<String>,
}

/// The models that can be asked for here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// Each model once: those of the binary, those cached, those that only a pair names, and others of the hub.
    pub models: Vec<KnownModel>,
    /// Where they would run: `cpu`, `cuda:0`.
    pub device: String,
    /// Bytes that are free there, if the system tells.
    pub free_bytes: Option<u64>,
}

/// Whether there is memory for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryFit {
    /// There is enough.
    Yes,
    /// There is enough once the model that it replaces is dropped.
    Instead,
    /// There is not enough.
    No,
    /// It is not known how much it needs, or how much there is.
    Unknown,
}

impl MemoryFit {
    /// Whether `needed` bytes can be had where `free` are free, and `replaced` more could be.
    pub fn of(needed: Option<u64>, free: Option<u64>, replaced: u64) -> Self {
        match needed.zip(free) {
            Some((needed, free)) if needed <= free => Self::Yes,
            Some((needed, free)) if needed <= free.saturating_add(replaced) => Self::Instead,
            Some(_) => Self::No,
            None => Self::Unknown,
        }
    }
}

/// What loading one model would take, at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadEstimate {
    /// What it takes; `None` if it is not here whole.
    pub footprint: Option<Footprint>,
    /// What there is to download first.
    pub download: Option<Download>,
    /// Bytes that are free on the device, if the system tells.
    pub free_bytes: Option<u64>,
    /// What helps if those are too few.
    pub way_out: &'static str,
}

/// A download that a load begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// What it takes, of disk and then of memory, in words.
    pub statement: String,
    /// Bytes of memory that it takes at the least.
    pub least_bytes: u64,
    /// Whether somebody must agree to it.
    pub is_large: bool,
}

/// Lists the models of the binary, of the hub's cache and of the configured pairs, and some that the hub has. Reads
/// headers of files and asks nobody.
///
/// # Errors
/// If this machine hasn't the device.
pub fn catalogue(pairs: &[ConfiguredPair], options: &LoadOptions) -> Result<Catalogue, ModelError> {
    let device = device::open(options.device)?;
    let mut names: Vec<String> = DemoModel::ALL.map(Reference::Demo).map(|demo| demo.to_string()).to_vec();
    names.extend(files::cached().iter().map(|model| model.reference().to_string()));
    names.extend(files::stored(&options.folders).iter().map(|name| canonical(name)));
    let configured = pairs.iter().flat_map(|pair| &pair.models).map(|name| canonical(name));
    for model in configured.chain(PUBLISHED.map(|(name, _)| name.to_owned())) {
        if !names.contains(&model) {
            names.push(model);
        }
    }
    let models = names.into_iter().map(|name| known(name, pairs, options)).collect();
    Ok(Catalogue { models, device: device.label(), free_bytes: device.free_bytes() })
}

fn known(name: String, pairs: &[ConfiguredPair], options: &LoadOptions) -> KnownModel {
    let reference = name.parse::<Reference>().ok();
    let footprint = reference.as_ref().and_then(|reference| Footprint::of(reference, options).ok());
    let place = match (reference.as_ref().map(Reference::base), footprint) {
        (Some(Reference::Demo(_)), _) => Place::Binary,
        (Some(Reference::Ollama(_)), Some(_)) => Place::Ollama,
        (Some(Reference::Folder(_) | Reference::File(_)), Some(_)) => Place::Folder,
        (Some(Reference::Hub { .. }), Some(_)) => Place::Cache,
        (Some(Reference::Hub { .. }), None) => Place::Hub,
        (Some(_) | None, _) => Place::Broken,
    };
    let names_it = |pair: &&ConfiguredPair| pair.models.iter().any(|model| canonical(model) == name);
    let pairs = pairs.iter().filter(names_it).map(|pair| pair.name.clone()).collect();
    let published = reference.as_ref().filter(|_| footprint.is_none()).and_then(Published::of);
    KnownModel { name, place, pairs, footprint, published }
}

/// A name as a reference writes it, without `~`; unchanged if it is no model's name.
fn canonical(name: &str) -> String {
    name.parse::<Reference>().map_or_else(|_| name.to_owned(), |reference| reference.to_string())
}

/// What loading a model would take. Asks the hub about a model that is not here. A download is noted as stated, not
/// as agreed to.
///
/// # Errors
/// If it can't be had, is broken, or was cancelled, or the disk is too full.
pub fn estimate(name: &str, options: &LoadOptions, cancel: &Cancel) -> Result<LoadEstimate, ModelError> {
    let reference: Reference = name.parse()?;
    let place = device::open(options.device)?;
    let (free_bytes, way_out) = (place.free_bytes(), place.way_out());
    let plan = match reference.base() {
        Reference::Hub { .. } => {
            let mut control = Control { cancel: cancel.clone(), progress: &mut |_| () };
            Some(files::plan(&reference, options.offline, &mut control)?)
        }
        Reference::Demo(_)
        | Reference::Ollama(_)
        | Reference::Folder(_)
        | Reference::File(_)
        | Reference::Adapted { .. }
        | Reference::Rounded { .. } => None,
    };
    match plan.filter(|plan| plan.missing_bytes > 0) {
        Some(plan) => {
            let download = download(&reference.to_string(), &plan, free_bytes)?;
            options.consent.state(&reference, plan.missing_bytes);
            Ok(LoadEstimate { footprint: None, download: Some(download), free_bytes, way_out })
        }
        None => {
            let footprint = Some(Footprint::of(&reference, options)?);
            Ok(LoadEstimate { footprint, download: None, free_bytes, way_out })
        }
    }
}

fn download(name: &str, plan: &DownloadPlan, free_memory: Option<u64>) -> Result<Download, ModelError> {
    Ok(Download {
        statement: plan.statement(name, free_memory)?,
        least_bytes: plan.total_bytes(),
        is_large: plan.is_large(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_fits_if_there_is_room_for_it_now_or_once_another_is_gone() {
        assert_eq!(MemoryFit::of(Some(5), Some(5), 0), MemoryFit::Yes);
        assert_eq!(MemoryFit::of(Some(6), Some(5), 0), MemoryFit::No);
        assert_eq!(MemoryFit::of(Some(6), Some(5), 1), MemoryFit::Instead);
        assert_eq!(MemoryFit::of(Some(7), Some(5), 1), MemoryFit::No);
        assert_eq!(MemoryFit::of(None, Some(5), 0), MemoryFit::Unknown);
        assert_eq!(MemoryFit::of(Some(5), None, 0), MemoryFit::Unknown);
    }

    #[test]
    fn what_is_in_the_binary_is_known_whole() {
        let pair = ConfiguredPair { name: "mine".into(), models: vec!["demo:gpt2".into(), "a b".into()] };
        let catalogue = catalogue(&[pair], &LoadOptions::default()).unwrap();
        let model = |name: &str| catalogue.models.iter().find(|model| model.name == name).unwrap();
        let demo = model("demo:gpt2");
        assert_eq!((demo.place, demo.pairs.as_slice()), (Place::Binary, &["mine".to_owned()][..]));
        assert!(demo.footprint.is_some_and(|footprint| footprint.parameters > 100_000));
        assert_eq!((model("a b").place, model("a b").footprint), (Place::Broken, None));
        assert_eq!(model("demo:gpt-oss").pairs, [] as [String; 0]);
    }

    #[test]
    fn the_size_of_a_well_known_model_is_known_before_it_is_here() {
        let known = |name: &str| Published::of(&name.parse().unwrap()).map(|published| published.bytes);
        assert_eq!(known("openai-community/gpt2"), Some(550_000_000));
        assert_eq!(known("openai/gpt-oss-20b@main"), Some(13_800_000_000));
        let sizes: Vec<String> = PUBLISHED.iter().map(|(_, published)| published.size()).collect();
        assert_eq!(sizes[1..6], ["~550.0 MB", "~1.5 GB", "~3.2 GB", "~6.4 GB", "~13.8 GB"]);
        assert_eq!((known("somebody/gpt2"), known("demo:gpt2"), known("./gpt2")), (None, None, None));
        assert_eq!(known("openai/gpt-oss-20b:a.gguf"), None, "another file of the same repository");
        for (name, Published { parameters, bytes }) in PUBLISHED {
            // Weights take half a byte, packed, to a little over four.
            assert!(
                name.parse::<Reference>().is_ok() && bytes > parameters / 2 && bytes < 5 * parameters,
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_here_is_appraised_by_its_headers() {
        let options = LoadOptions::default();
        let found = estimate("demo:gpt-oss", &options, &Cancel::new()).unwrap();
        assert_eq!(found.download, None);
        assert_eq!(found.footprint, Footprint::of(&Reference::Demo(DemoModel::GptOss), &options).ok());
        assert!(
            estimate("./none", &options, &Cancel::new()).unwrap_err().to_string().contains("no such folder")
        );
        assert!(
            estimate("no name", &options, &Cancel::new())
                .unwrap_err()
                .to_string()
                .contains("no model's name")
        );
    }
}
