//! Models from a hub: what is asked of it, what is kept, and what happens when it fails.
#![allow(clippy::unwrap_used)]

#[path = "../support/tls.rs"]
mod front;
#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/hub.rs"]
mod server;

mod cached;
mod faults;
mod gguf;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use attnscope::model::files::hub::Token;
use attnscope::model::files::{
    CachedModel, DownloadPlan, Hub, HubError, HubModel, HubSettings, ModelFile, ModelFiles,
};
use attnscope::model::{Cancel, Control, LoadProgress, ModelError};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use server::{Asked, COMMIT, Fault, Repository, TestHub, sha256};
use tempfile::TempDir;

const NAME: &str = "org/tiny";

/// A hub that serves a model, and an empty cache.
struct Scene {
    server: TestHub,
    cache: TempDir,
}

impl Scene {
    fn new(repository: Repository) -> Self {
        Self { server: TestHub::start(repository), cache: tempfile::tempdir().unwrap() }
    }

    fn settings(&self) -> HubSettings {
        let endpoint = Some(self.server.endpoint.clone());
        HubSettings { endpoint, ..HubSettings::new(self.cache.path().to_owned()) }
    }

    fn hub(&self) -> Hub {
        Hub::new(self.settings())
    }

    fn offline(&self) -> Hub {
        Hub::new(HubSettings { offline: true, ..self.settings() })
    }

    fn blobs(&self) -> Vec<String> {
        let folder = self.cache.path().join("models--org--tiny/blobs");
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.sort();
        names
    }
}

fn golden(name: &str, files: &[&str]) -> Repository {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let files = files.iter().map(|file| ((*file).to_owned(), std::fs::read(folder.join(file)).unwrap()));
    Repository { name: NAME, revisions: vec!["main"], files: files.collect(), ..Repository::default() }
}

fn tiny() -> Repository {
    golden("gpt2-tiny", &["config.json", "tokenizer.json", "model.safetensors"])
}

/// The same model with its tensors in two shards.
fn sharded() -> Repository {
    let mut repository = tiny();
    let whole = repository.files.remove("model.safetensors").unwrap();
    let tensors = SafeTensors::deserialize(&whole).unwrap();
    let mut shards: [Vec<(String, TensorView<'_>)>; 2] = Default::default();
    let mut weight_map = BTreeMap::new();
    let sorted: BTreeMap<String, TensorView<'_>> = tensors.tensors().into_iter().collect();
    for (at, (name, tensor)) in sorted.into_iter().enumerate() {
        weight_map.insert(name.clone(), shard_name(at % 2));
        shards[at % 2].push((name, tensor));
    }
    for (at, shard) in shards.into_iter().enumerate() {
        repository.files.insert(shard_name(at), safetensors::serialize(shard, None).unwrap());
    }
    let index = serde_json::json!({"metadata": {}, "weight_map": weight_map});
    repository.files.insert("model.safetensors.index.json".to_owned(), index.to_string().into());
    repository
}

fn shard_name(at: usize) -> String {
    format!("model-{:05}-of-00002.safetensors", at + 1)
}

fn model(revision: Option<&str>) -> HubModel<'_> {
    HubModel { repository: NAME, revision, file: None }
}

fn locate(hub: &Hub, revision: Option<&str>) -> Result<ModelFiles, ModelError> {
    watched(hub, revision, |_, _| {}).0
}

/// Locates the model, hands each step to `watch`, and returns the steps too.
fn watched(
    hub: &Hub,
    revision: Option<&str>,
    mut watch: impl FnMut(&LoadProgress, &Cancel),
) -> (Result<ModelFiles, ModelError>, Vec<LoadProgress>) {
    let cancel = Cancel::new();
    let mut steps = Vec::new();
    let mut progress = |step: LoadProgress| {
        watch(&step, &cancel);
        steps.push(step);
    };
    let mut control = Control { cancel: cancel.clone(), progress: &mut progress };
    let files = hub.locate(model(revision), u64::MAX, &mut control);
    (files, steps)
}

fn plan(hub: &Hub) -> Result<DownloadPlan, ModelError> {
    hub.plan(model(None), &mut Control { cancel: Cancel::new(), progress: &mut |_| {} })
}

fn missing(hub: &Hub) -> u64 {
    plan(hub).unwrap().missing_bytes
}

fn refusal(hub: &Hub, revision: Option<&str>) -> HubError {
    match locate(hub, revision) {
        Err(ModelError::Hub(error)) => error,
        other => panic!("not refused by the hub: {other:?}"),
    }
}

/// An endpoint where nobody listens.
fn nobody() -> String {
    // Port 1 needs a privilege to be listened to, and nobody has a use for it.
    "http://127.0.0.1:1".to_owned()
}

/// The last parts of the paths that were asked for, each once.
fn names(asked: &[Asked]) -> BTreeSet<&str> {
    asked.iter().filter_map(|asked| asked.path.rsplit('/').next()).collect()
}

/// What a file holds, as its digest.
fn digest(file: &ModelFile) -> String {
    sha256(&file.read(u64::MAX).unwrap())
}

#[test]
fn a_fresh_download_is_the_served_model_and_tells_its_progress() {
    let scene = Scene::new(tiny());
    let (files, steps) = watched(&scene.hub(), None, |_, _| {});
    let files = files.unwrap();
    let served = tiny().files;
    assert_eq!(files.name, NAME);
    assert_eq!(files.revision.as_deref(), Some(COMMIT));
    assert_eq!(digest(&files.config), sha256(&served["config.json"]));
    assert_eq!(digest(files.tokenizer.get("tokenizer.json").unwrap()), sha256(&served["tokenizer.json"]));
    assert_eq!(digest(&files.weights[0]), sha256(&served["model.safetensors"]));

    assert_eq!(steps[0], LoadProgress::Resolving);
    for (file, bytes) in &served {
        let total = bytes.len() as u64;
        let step = |done| LoadProgress::Downloading { file: file.clone(), done, total };
        assert!(steps.contains(&step(0)) && steps.contains(&step(total)), "{file}: {steps:?}");
    }
}

#[test]
fn the_cache_is_laid_out_as_python_does() {
    let scene = Scene::new(tiny());
    locate(&scene.hub(), None).unwrap();
    let root = scene.cache.path().join("models--org--tiny");
    assert_eq!(std::fs::read_to_string(root.join("refs/main")).unwrap(), COMMIT);
    let digest = sha256(&tiny().files["model.safetensors"]);
    assert!(root.join("blobs").join(&digest).is_file());
    let link = std::fs::read_link(root.join("snapshots").join(COMMIT).join("model.safetensors")).unwrap();
    assert_eq!(link, Path::new("../../blobs").join(digest));
    assert_eq!(scene.blobs().len(), 3, "nothing half done is left");
}

#[test]
fn a_cached_model_needs_no_request() {
    let scene = Scene::new(tiny());
    let first = locate(&scene.hub(), None).unwrap();
    scene.server.asked();
    let (second, steps) = watched(&scene.hub(), None, |_, _| {});
    assert_eq!(second.unwrap(), first);
    assert_eq!(locate(&scene.offline(), None).unwrap(), first);
    assert_eq!(scene.server.asked(), []);
    assert_eq!(steps, []);
}

#[test]
fn offline_without_a_cache_names_the_model_and_asks_nobody() {
    let scene = Scene::new(tiny());
    let error = refusal(&scene.offline(), Some("v1"));
    assert!(matches!(error, HubError::NotCached { .. }));
    let message = error.to_string();
    assert!(message.contains("org/tiny@v1") && message.contains("--offline"), "{message}");
    assert_eq!(scene.server.asked(), []);
}

#[test]
fn a_revision_is_pinned_to_its_commit() {
    let scene = Scene::new(Repository { revisions: vec!["main", "refs/pr/1"], ..tiny() });
    let files = locate(&scene.hub(), Some("refs/pr/1")).unwrap();
    assert_eq!((files.name.as_str(), files.revision.as_deref()), ("org/tiny@refs/pr/1", Some(COMMIT)));
    let asked = scene.server.asked();
    assert!(asked[0].path.ends_with("/resolve/refs%2Fpr%2F1/config.json"), "{asked:?}");
    let later = asked[1..].iter().filter(|asked| !asked.large);
    assert!(later.clone().count() > 0);
    for asked in later {
        assert!(asked.path.contains(&format!("/resolve/{COMMIT}/")), "{asked:?}");
    }
    // The commit itself is in the cache now, by whatever name it came.
    assert!(locate(&scene.offline(), Some(COMMIT)).is_ok());
    assert!(locate(&scene.offline(), Some("refs/pr/1")).is_ok());
    assert!(matches!(refusal(&scene.offline(), None), HubError::Incomplete { .. }));
}

#[test]
fn the_token_goes_to_the_hub_and_to_nobody_else() {
    let scene = Scene::new(Repository { token: Some("secret"), ..tiny() });
    let hub = Hub::new(HubSettings { token: Token::new("secret", "HF_TOKEN"), ..scene.settings() });
    locate(&hub, None).unwrap();
    let asked = scene.server.asked();
    assert!(asked.iter().any(|asked| asked.large));
    for asked in asked {
        let wanted = (!asked.large).then_some("Bearer secret");
        assert_eq!(asked.authorization.as_deref(), wanted, "{}", asked.path);
    }
}

#[test]
fn a_renamed_model_is_followed_with_the_token() {
    let scene =
        Scene::new(Repository { name: "new/tiny", old_name: Some(NAME), token: Some("secret"), ..tiny() });
    let hub = Hub::new(HubSettings { token: Token::new("secret", "HF_TOKEN"), ..scene.settings() });
    assert_eq!(locate(&hub, None).unwrap().name, NAME);
}

#[test]
fn shards_are_those_of_the_index_and_nothing_else_is_asked_for() {
    let mut repository = sharded();
    for extra in ["original/model.safetensors", "metal/model.bin", "pytorch_model.bin", "README.md"] {
        repository.files.insert(extra.to_owned(), b"no".to_vec());
    }
    let scene = Scene::new(repository);
    let files = locate(&scene.hub(), None).unwrap();
    let served = sharded().files;
    let weights: Vec<String> = files.weights.iter().map(digest).collect();
    assert_eq!(weights, [0, 1].map(|at| sha256(&served[&shard_name(at)])));
    let asked = scene.server.asked();
    let (first, second) = (shard_name(0), shard_name(1));
    let wanted = [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "adapter_config.json",
        "added_tokens.json",
        "chat_template.jinja",
        "generation_config.json",
        "model.safetensors",
        "model.safetensors.index.json",
        first.as_str(),
        second.as_str(),
    ];
    assert_eq!(names(&asked), BTreeSet::from(wanted));
    assert!(asked.iter().all(|asked| !asked.path.contains("original") && !asked.path.contains("metal")));
    assert_eq!(locate(&scene.offline(), None).unwrap(), files);
}

#[test]
fn a_model_without_a_tokenizer_is_asked_for_it_once() {
    let scene = Scene::new(golden("gpt2-sort", &["config.json", "model.safetensors"]));
    assert!(locate(&scene.hub(), None).unwrap().tokenizer.is_empty());
    scene.server.asked();
    assert!(locate(&scene.hub(), None).unwrap().tokenizer.is_empty());
    assert_eq!(scene.server.asked(), []);
}

#[test]
fn a_transfer_that_is_cut_off_goes_on_where_it_was() {
    let scene = Scene::new(tiny());
    scene.server.fault(Fault::CutOnce(100_000));
    let files = locate(&scene.hub(), None).unwrap();
    assert_eq!(digest(&files.weights[0]), sha256(&tiny().files["model.safetensors"]));
    let ranges: Vec<_> = scene.server.asked().into_iter().filter(|a| a.large).map(|a| a.range).collect();
    assert_eq!(ranges, [Some("bytes=0-".to_owned()), Some("bytes=100000-".to_owned())]);
}

#[test]
fn a_connection_that_falls_silent_is_given_up_and_resumed() {
    let scene = Scene::new(tiny());
    scene.server.fault(Fault::StallOnce(100_000));
    let hub = Hub::new(HubSettings { timeout: Duration::from_millis(300), ..scene.settings() });
    let begun = Instant::now();
    locate(&hub, None).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(scene.server.asked().last().unwrap().range.as_deref(), Some("bytes=100000-"));
}

#[test]
fn a_server_that_is_busy_for_a_moment_is_asked_again() {
    let scene = Scene::new(tiny());
    scene.server.fault(Fault::StatusOnce(503));
    assert!(locate(&scene.hub(), None).is_ok());
}

#[test]
fn a_server_without_ranges_will_do() {
    let scene = Scene::new(tiny());
    scene.server.fault(Fault::NoRanges);
    let files = locate(&scene.hub(), None).unwrap();
    assert_eq!(digest(&files.weights[0]), sha256(&tiny().files["model.safetensors"]));
}

#[test]
fn cancelling_stops_the_transfer_and_the_next_load_resumes_it() {
    let scene = Scene::new(tiny());
    scene.server.fault(Fault::Slow(Duration::from_millis(50)));
    let size = tiny().files["model.safetensors"].len();
    let (files, _) = watched(&scene.hub(), None, |step, cancel| {
        if matches!(step, LoadProgress::Downloading { file, done, .. } if file == "model.safetensors" && *done > 0)
        {
            cancel.cancel();
        }
    });
    assert!(matches!(files, Err(ModelError::Cancelled)));
    assert!(scene.server.sent() < size / 2, "the server went on sending");
    assert_eq!(scene.blobs().iter().filter(|name| name.ends_with(".part")).count(), 1);

    scene.server.behave();
    scene.server.asked();
    let plan = plan(&scene.hub()).unwrap();
    assert!(plan.missing_bytes > 0 && plan.missing_bytes < size as u64);
    let files = locate(&scene.hub(), None).unwrap();
    assert_eq!(digest(&files.weights[0]), sha256(&tiny().files["model.safetensors"]));
    let range = scene.server.asked().into_iter().rfind(|asked| asked.large).unwrap().range;
    assert_eq!(range, Some(format!("bytes={}-", size as u64 - plan.missing_bytes)));
}

#[test]
fn a_raised_cancel_asks_nothing() {
    let scene = Scene::new(tiny());
    let cancel = Cancel::new();
    cancel.cancel();
    let mut control = Control { cancel, progress: &mut |_| {} };
    let files = scene.hub().locate(model(None), u64::MAX, &mut control);
    assert!(matches!(files, Err(ModelError::Cancelled)));
    assert_eq!(scene.server.asked(), []);
}

#[test]
fn damaged_weights_are_deleted_and_the_next_load_is_whole() {
    let scene = Scene::new(tiny());
    scene.server.fault(Fault::Damage);
    let error = refusal(&scene.hub(), None);
    assert!(matches!(&error, HubError::Corrupt { file, .. } if file == "model.safetensors"), "{error}");
    assert!(error.to_string().contains("sha256"), "{error}");
    assert_eq!(scene.blobs().len(), 2, "config and tokenizer are kept, the weights are gone");
    scene.server.behave();
    locate(&scene.hub(), None).unwrap();
}

#[test]
fn refusals_say_what_to_do() {
    let gated = Scene::new(Repository { token: Some("secret"), gated: true, ..tiny() });
    let stranger = refusal(&gated.hub(), None);
    assert!(matches!(stranger, HubError::Denied { status: 401, token: None, .. }));
    assert!(stranger.to_string().contains("set HF_TOKEN"), "{stranger}");
    let hub = Hub::new(HubSettings { token: Token::new("other", "HF_TOKEN"), ..gated.settings() });
    let known = refusal(&hub, None);
    assert!(matches!(known, HubError::Denied { status: 403, token: Some(_), .. }));
    let said = known.to_string();
    assert!(said.contains("licence") && said.contains("HF_TOKEN") && !said.contains("other"), "{said}");
}

#[test]
fn missing_models_revisions_and_files_are_told_apart() {
    let elsewhere = Scene::new(Repository { name: "org/other", ..tiny() });
    assert!(matches!(refusal(&elsewhere.hub(), None), HubError::NoRepository { .. }));
    let scene = Scene::new(tiny());
    let error = refusal(&scene.hub(), Some("v9"));
    assert!(matches!(error, HubError::NoRevision { .. }) && error.to_string().contains("org/tiny@v9"));
    let empty = Scene::new(golden("gpt2-tiny", &["tokenizer.json"]));
    let error = refusal(&empty.hub(), None);
    assert!(matches!(&error, HubError::NoFile { file, .. } if file == "config.json"), "{error}");
    let pickled = Scene::new(golden("gpt2-tiny", &["config.json", "tokenizer.json"]));
    assert!(matches!(refusal(&pickled.hub(), None), HubError::NoWeights { .. }));
    let mut repository = sharded();
    repository.files.remove(&shard_name(1));
    let holed = Scene::new(repository);
    let error = refusal(&holed.hub(), None);
    assert!(matches!(&error, HubError::NoFile { file, .. } if *file == shard_name(1)), "{error}");
}

#[test]
fn an_adapter_on_the_hub_is_named_with_its_base() {
    let with_adapter = |files: &[&str]| {
        let mut repository = golden("gpt2-tiny", files);
        let config = r#"{"peft_type": "LORA", "base_model_name_or_path": "org/base"}"#;
        repository.files.insert("adapter_config.json".to_owned(), config.into());
        repository.files.insert("adapter_model.safetensors".to_owned(), b"weights".to_vec());
        Scene::new(repository)
    };
    for files in [&[][..], &["config.json", "tokenizer.json"]] {
        let scene = with_adapter(files);
        let said = locate(&scene.hub(), None).unwrap_err().to_string();
        assert!(said.contains("a LORA adapter of org/base, and no model's weights"), "{said}");
        let offline = locate(&scene.offline(), None).unwrap_err().to_string();
        assert!(!files.is_empty() || offline.contains("a LORA adapter of org/base"), "{offline}");
    }
    let scene = with_adapter(&["config.json", "tokenizer.json", "model.safetensors"]);
    for hub in [scene.hub(), scene.hub(), scene.offline()] {
        let files = locate(&hub, None).unwrap();
        assert_eq!(files.adapter.and_then(|adapter| adapter.base).as_deref(), Some("org/base"));
    }
    assert!(!scene.server.asked().iter().any(|asked| asked.path.contains("adapter_model")), "not downloaded");
}

#[test]
fn an_adapter_is_downloaded_where_it_is_asked_for_and_nothing_beside_it() {
    const WEIGHTS: &[u8] = b"\x02\0\0\0\0\0\0\0{}";
    let mut repository = golden("gpt2-tiny", &["config.json", "tokenizer.json", "model.safetensors"]);
    repository.files.insert("adapter_config.json".to_owned(), r#"{"peft_type": "LORA"}"#.into());
    repository.files.insert("adapter_model.safetensors".to_owned(), WEIGHTS.to_vec());
    let scene = Scene::new(repository);
    let adapter = |hub: &Hub, limit: u64| {
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
        hub.locate_adapter(model(None), limit, &mut control)
    };
    assert!(adapter(&scene.offline(), 100).is_err());
    let refused = adapter(&scene.hub(), 3).unwrap_err();
    assert!(matches!(refused, ModelError::Hub(HubError::NotAgreed { missing: 10, .. })), "{refused}");
    let lora = adapter(&scene.hub(), 100).unwrap().lora.unwrap();
    assert_eq!(lora.weights.read(100).unwrap().as_ref(), WEIGHTS);
    let asked = scene.server.asked();
    assert_eq!(names(&asked), BTreeSet::from(["adapter_config.json", "adapter_model.safetensors"]));
    for hub in [scene.hub(), scene.offline()] {
        assert_eq!(adapter(&hub, 100).unwrap().lora.as_ref(), Some(&lora));
    }
    assert_eq!(scene.server.asked(), [], "it is here");
    let none = Scene::new(golden("gpt2-tiny", &["config.json"]));
    let refused = adapter(&none.hub(), 100).unwrap_err().to_string();
    assert!(refused.contains("adapter_config.json"), "{refused}");
}

#[test]
fn no_hub_there_is_said_at_once() {
    let scene = Scene::new(tiny());
    let hub = Hub::new(HubSettings { endpoint: Some(nobody()), ..scene.settings() });
    let begun = Instant::now();
    let error = refusal(&hub, None);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(matches!(error, HubError::Unreachable { .. }), "{error}");
    for hint in [nobody().as_str(), "--offline", "demo:gpt2"] {
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn https_is_built_in() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let plain = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        // Until the client has read it and goes away.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let scene = Scene::new(tiny());
    let error = refusal(&Hub::new(HubSettings { endpoint: Some(endpoint), ..scene.settings() }), None);
    // What TLS says to a server that answers its greeting in plain text.
    assert!(error.to_string().contains("InvalidContentType"), "{error}");
    plain.join().unwrap();
}

#[test]
fn a_cached_model_of_which_no_tokenizer_is_known_loads_without_a_network() {
    let scene = Scene::new(golden("gpt2-sort", &["config.json", "model.safetensors"]));
    let files = locate(&scene.hub(), None).unwrap();
    // As a program leaves it that asked for the other files only.
    std::fs::remove_dir_all(scene.cache.path().join("models--org--tiny/.no_exist")).unwrap();
    let hub = Hub::new(HubSettings { endpoint: Some(nobody()), ..scene.settings() });
    assert_eq!(locate(&hub, None).unwrap(), files);
    assert_eq!(missing(&hub), 0);
}

#[test]
fn a_model_larger_than_the_disk_is_refused_before_it_comes() {
    let scene = Scene::new(Repository { claimed_size: Some(1 << 60), ..tiny() });
    let error = refusal(&scene.hub(), None);
    assert!(matches!(error, HubError::DiskFull { .. }), "{error}");
    assert!(error.to_string().contains("TB are missing") && error.to_string().contains("HF_HOME"), "{error}");
    assert!(scene.server.asked().iter().all(|asked| !asked.large));
}

#[test]
fn a_plan_says_what_is_missing_and_downloads_no_weights() {
    let scene = Scene::new(sharded());
    let plan = plan(&scene.hub()).unwrap();
    let served = sharded().files;
    let sizes: BTreeMap<String, u64> = plan.files.iter().cloned().collect();
    assert_eq!(sizes, served.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect());
    let index = served["model.safetensors.index.json"].len() as u64;
    assert_eq!(plan.missing_bytes, plan.total_bytes() - index, "the list of shards is here");
    assert_eq!(plan.cache_dir, scene.cache.path());
    assert!(plan.free_disk_bytes.is_some_and(|free| free > 0));
    assert!(scene.server.asked().iter().all(|asked| !asked.large));

    locate(&scene.hub(), None).unwrap();
    assert_eq!(missing(&scene.hub()), 0);
}

#[test]
fn the_cache_lists_its_models() {
    let scene = Scene::new(tiny());
    assert_eq!(scene.hub().cached(), []);
    scene.server.fault(Fault::Damage);
    refusal(&scene.hub(), None);
    let listed = |scene: &Scene| -> CachedModel { scene.hub().cached().remove(0) };
    assert!(!listed(&scene).complete);
    scene.server.behave();
    locate(&scene.hub(), None).unwrap();
    let bytes = tiny().files.values().map(|bytes| bytes.len() as u64).sum();
    let wanted = CachedModel {
        repository: NAME.to_owned(),
        revision: "main".to_owned(),
        file: None,
        bytes,
        complete: true,
    };
    assert_eq!(scene.hub().cached(), [wanted]);
    assert_eq!(listed(&scene).reference().to_string(), NAME);
}

#[test]
fn two_loads_at_once_download_once() {
    let scene = Scene::new(tiny());
    scene.server.fault(Fault::Slow(Duration::from_millis(5)));
    let hub = scene.hub();
    std::thread::scope(|scope| {
        let loads = [(); 2].map(|()| scope.spawn(|| locate(&hub, None)));
        let [first, second] = loads.map(|load| load.join().unwrap().unwrap());
        assert_eq!(first, second);
    });
    let transfers = scene.server.asked().into_iter().filter(|asked| asked.large).count();
    assert_eq!(transfers, 1);
}

#[test]
fn an_answer_that_leads_out_of_the_cache_is_refused() {
    let mut repository = sharded();
    let index = r#"{"weight_map": {"a": "../../../evil.safetensors"}}"#;
    repository.files.insert("model.safetensors.index.json".to_owned(), index.into());
    let scene = Scene::new(repository);
    assert!(locate(&scene.hub(), None).unwrap_err().to_string().contains("evil"));
}
