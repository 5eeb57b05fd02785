//! GGUF files of a repository: one by its name, all parts of one, and what is said where none is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use attnscope::model::files::{Hub, HubError, HubModel, HubSettings, ModelFiles};
use attnscope::model::{Cancel, Control, ModelError};

use super::server::{COMMIT, Fault, HubFault, Repository};
use super::{NAME, Scene, digest, golden, locate, names, nobody, sha256, tiny};

const PARTS: [&str; 2] = ["Q8_0/m-00001-of-00002.gguf", "Q8_0/m-00002-of-00002.gguf"];

/// Files as a repository of quantisations has them; nothing here reads what is in them.
fn quantised() -> Repository {
    let files = [
        ("m.Q4_0.gguf", 40_000),
        (PARTS[0], 30_000),
        (PARTS[1], 20_000),
        ("mmproj-m.gguf", 10),
        ("m.imatrix.gguf", 10),
        ("README.md", 10),
        ("no such name.gguf", 10),
    ];
    let files = files.map(|(name, size)| (name.to_owned(), vec![size as u8 + name.len() as u8; size]));
    Repository { name: NAME, revisions: vec!["main", "v1"], files: files.into(), ..Repository::default() }
}

fn model<'a>(revision: Option<&'a str>, file: &'a str) -> HubModel<'a> {
    HubModel { repository: NAME, revision, file: Some(file) }
}

fn ask(hub: &Hub, model: HubModel<'_>, limit: u64) -> Result<ModelFiles, ModelError> {
    hub.locate(model, limit, &mut Control { cancel: Cancel::new(), progress: &mut |_| {} })
}

fn found(hub: &Hub, file: &str) -> Result<ModelFiles, ModelError> {
    ask(hub, model(None, file), u64::MAX)
}

fn said(result: Result<ModelFiles, ModelError>) -> String {
    let said = result.unwrap_err().to_string();
    assert!(!said.contains('\n'), "{said}");
    said
}

#[test]
fn a_file_is_fetched_alone_and_then_at_hand() {
    let scene = Scene::new(quantised());
    let files = ask(&scene.hub(), model(Some("v1"), "m.Q4_0.gguf"), u64::MAX).unwrap();
    assert_eq!((files.name.as_str(), files.revision.as_deref()), ("org/tiny@v1:m.Q4_0.gguf", Some(COMMIT)));
    assert!(files.is_gguf() && files.tokenizer.is_empty() && files.adapter.is_none());
    assert_eq!(
        files.weights.iter().map(digest).collect::<Vec<_>>(),
        [sha256(&quantised().files["m.Q4_0.gguf"])]
    );
    assert_eq!(names(&scene.server.asked()), BTreeSet::from(["m.Q4_0.gguf"]), "nothing else is asked for");
    assert_eq!(ask(&scene.hub(), model(Some("v1"), "m.Q4_0.gguf"), 0).unwrap(), files);
    assert_eq!(ask(&scene.offline(), model(Some("v1"), "m.Q4_0.gguf"), 0).unwrap(), files);
    let by_commit = ask(&scene.offline(), model(Some(COMMIT), "m.Q4_0.gguf"), 0).unwrap();
    assert_eq!(by_commit.weights, files.weights);
    assert_eq!(scene.server.asked(), []);
}

#[test]
fn all_parts_are_fetched_whichever_is_named() {
    for part in PARTS {
        let scene = Scene::new(quantised());
        let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
        let plan = scene.hub().plan(model(None, part), &mut control).unwrap();
        assert_eq!(plan.missing_bytes, 50_000);
        assert_eq!(plan.files.iter().map(|file| file.0.as_str()).collect::<Vec<_>>(), PARTS);
        let refused = ask(&scene.hub(), model(None, part), 49_999).unwrap_err();
        assert!(matches!(refused, ModelError::Hub(HubError::NotAgreed { missing: 50_000, .. })), "{refused}");
        let files = found(&scene.hub(), part).unwrap();
        let wanted = PARTS.map(|part| sha256(&quantised().files[part]));
        assert_eq!(files.weights.iter().map(digest).collect::<Vec<_>>(), wanted);
        assert_eq!(files.config, files.weights[0]);
        let snapshot = scene.cache.path().join("models--org--tiny/snapshots").join(COMMIT);
        #[cfg(unix)]
        assert_eq!(
            fs::read_link(snapshot.join(part)).unwrap(),
            Path::new("../../../blobs").join(sha256(&quantised().files[part])),
            "as Python links what is in a folder"
        );
        // One is gone: offline it is named, and otherwise fetched again.
        fs::remove_file(snapshot.join(PARTS[1])).unwrap();
        let lack = said(found(&scene.offline(), part));
        assert!(lack.contains(&format!("{} is missing", PARTS[1])), "{lack}");
        assert_eq!(found(&scene.hub(), part).unwrap(), files);
    }
}

#[test]
fn damage_is_found_and_a_cut_transfer_goes_on() {
    let scene = Scene::new(quantised());
    scene.server.fault(Fault::Damage);
    let damaged = said(found(&scene.hub(), "m.Q4_0.gguf"));
    assert!(damaged.contains("m.Q4_0.gguf") && damaged.contains("sha256"), "{damaged}");
    assert_eq!(scene.blobs(), [] as [&str; 0]);
    scene.server.behave();
    scene.server.fault(Fault::CutOnce(10_000));
    scene.server.asked();
    found(&scene.hub(), "m.Q4_0.gguf").unwrap();
    assert_eq!(scene.server.asked().last().unwrap().range.as_deref(), Some("bytes=10000-"));
}

/// As somebody copies a cache: without links, whose names would say what is in them.
#[test]
fn a_copy_that_was_cut_is_fetched_again() {
    let bytes =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gguf/qwen2/model.gguf")).unwrap();
    let scene =
        Scene::new(Repository { files: [("m.gguf".to_owned(), bytes.clone())].into(), ..quantised() });
    found(&scene.hub(), "m.gguf").unwrap();
    let path = scene.cache.path().join("models--org--tiny/snapshots").join(COMMIT).join("m.gguf");
    for (copied, is_whole) in [(&bytes[..], true), (&bytes[..bytes.len() / 2], false)] {
        fs::remove_file(&path).unwrap();
        fs::write(&path, copied).unwrap();
        let offline = found(&scene.offline(), "m.gguf");
        assert_eq!(offline.is_ok(), is_whole, "{offline:?}");
        assert!(offline.is_ok() || said(offline).contains("m.gguf is damaged"));
    }
    found(&scene.hub(), "m.gguf").unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn where_none_is_named_they_are_listed_and_one_is_shown_how() {
    // With a config.json, too, as many repositories of quantisations have one.
    let mut with_config = quantised();
    with_config.files.insert("config.json".to_owned(), tiny().files["config.json"].clone());
    for repository in [quantised(), with_config] {
        let scene = Scene::new(repository);
        let said = said(locate(&scene.hub(), None));
        for words in [
            "org/tiny: it holds GGUF models",
            "as org/tiny:Q8_0/m-00001-of-00002.gguf; there are",
            "m.Q4_0.gguf",
        ] {
            assert!(said.contains(words), "{said}");
        }
        for no_model in ["mmproj", "imatrix", "README", "00002-of-00002.gguf,", "no such name"] {
            assert!(!said.contains(no_model), "{said}");
        }
    }
    let scene = Scene::new(Repository { files: [("README.md".to_owned(), vec![1])].into(), ..quantised() });
    assert!(said(locate(&scene.hub(), None)).contains("no config.json in it"));
}

#[test]
fn a_file_that_is_not_there_names_those_that_are() {
    let scene = Scene::new(quantised());
    for (file, missing) in [
        ("m.Q5_0.gguf", "no file m.Q5_0.gguf"),
        ("m.Q4_0-00001-of-00001.gguf", "no file m.Q4_0-00001-of-00001.gguf"),
        ("Q8_0/m-00001-of-00003.gguf", "no file Q8_0/m-00001-of-00003.gguf"),
    ] {
        let said = said(found(&scene.hub(), file));
        let there = "its GGUF models are Q8_0/m-00001-of-00002.gguf, m.Q4_0.gguf";
        assert!(said.contains(missing) && said.contains(there), "{said}");
    }
    let many = said(found(&scene.hub(), "m-00001-of-99999.gguf"));
    assert!(many.contains("99999 parts"), "{many}");
    scene.server.hub_fault(HubFault::Refuses(404, "x-error-code: EntryNotFound"));
    let bare = said(found(&scene.hub(), "m.Q5_0.gguf"));
    assert!(bare.ends_with("the repository has no file m.Q5_0.gguf"), "{bare}");
}

#[test]
fn what_the_cache_holds_is_named_offline_and_listed() {
    let scene = Scene::new(quantised());
    for file in ["m.Q4_0.gguf", PARTS[1]] {
        found(&scene.hub(), file).unwrap();
    }
    let away = Hub::new(HubSettings { endpoint: Some(nobody()), ..scene.settings() });
    for hub in [scene.offline(), away] {
        let unnamed = said(locate(&hub, None));
        assert!(unnamed.contains("name one of them, as org/tiny:Q8_0/m-00001-of-00002.gguf"), "{unnamed}");
        let other = said(found(&hub, "m.Q5_0.gguf"));
        assert!(other.contains("m.Q5_0.gguf is missing"), "{other}");
    }
    let cached = scene.hub().cached();
    let shown: Vec<(String, u64, bool)> =
        cached.iter().map(|model| (model.reference().to_string(), model.bytes, model.complete)).collect();
    let wanted =
        [("org/tiny:Q8_0/m-00001-of-00002.gguf", 50_000, true), ("org/tiny:m.Q4_0.gguf", 40_000, true)];
    assert_eq!(shown, wanted.map(|(name, bytes, whole)| (name.to_owned(), bytes, whole)));
}

#[test]
fn a_model_of_safetensors_and_a_file_beside_it_are_two() {
    let mut repository = golden("gpt2-tiny", &["config.json", "tokenizer.json", "model.safetensors"]);
    repository.files.insert("m.gguf".to_owned(), vec![1; 100]);
    let scene = Scene::new(repository);
    let dense = locate(&scene.hub(), None).unwrap();
    assert!(!dense.is_gguf());
    assert!(found(&scene.offline(), "m.gguf").is_err(), "not fetched with it");
    assert!(found(&scene.hub(), "m.gguf").unwrap().is_gguf());
    assert_eq!(locate(&scene.offline(), None).unwrap(), dense);
    assert_eq!(scene.hub().cached().len(), 2);
}
