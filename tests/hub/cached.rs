//! Caches as others leave them: copied, cut down, read-only, or in a format that isn't read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use attnscope::model::files::{Hub, HubError, HubSettings};

use super::server::{COMMIT, HubFault, Repository, git_hash};
use super::{NAME, Scene, digest, golden, locate, nobody, plan, refusal, sha256, tiny};

/// A scene whose cache has the model.
fn filled() -> Scene {
    let scene = Scene::new(tiny());
    locate(&scene.hub(), None).unwrap();
    scene.server.asked();
    scene
}

fn root(scene: &Scene) -> PathBuf {
    scene.cache.path().join("models--org--tiny")
}

fn snapshot(scene: &Scene) -> PathBuf {
    root(scene).join("snapshots").join(COMMIT)
}

/// Every path below with the time of its last change.
fn state(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.insert(path.clone(), path.symlink_metadata().unwrap().modified().unwrap());
        if path.is_dir() && !path.is_symlink() {
            found.extend(state(&path));
        }
    }
    found
}

fn said(hub: &Hub, revision: Option<&str>) -> String {
    refusal(hub, revision).to_string()
}

#[test]
fn nothing_is_written_where_nothing_must_be_downloaded() {
    let scene = filled();
    let before = state(scene.cache.path());
    let away = Hub::new(HubSettings { endpoint: Some(nobody()), ..scene.settings() });
    for hub in [scene.hub(), scene.offline(), away] {
        locate(&hub, None).unwrap();
        locate(&hub, Some(COMMIT)).unwrap();
        assert_eq!(plan(&hub).unwrap().missing_bytes, 0);
        assert_eq!(hub.cached().len(), 1);
    }
    assert_eq!(state(scene.cache.path()), before);
    // Nor once the hub has been asked, which it is if nobody knows whether there is a tokenizer.
    let scene = Scene::new(golden("gpt2-sort", &["config.json", "model.safetensors"]));
    locate(&scene.hub(), None).unwrap();
    let before = state(scene.cache.path());
    locate(&scene.hub(), None).unwrap();
    assert_eq!(state(scene.cache.path()), before);
}

/// Whoever may write anywhere, as root may, can't be shown a read-only cache: then only what is asked is checked.
#[test]
#[cfg(unix)]
fn a_read_only_cache_is_used_as_far_as_it_goes() {
    use std::os::unix::fs::PermissionsExt as _;

    fn protect(folder: &Path, mode: u32) {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                protect(&path, mode);
            }
        }
    }
    // As somebody leaves it who never asked for the tokenizer, in two ways, and without refs.
    let scene = filled();
    let whole = locate(&scene.offline(), None).unwrap();
    fs::remove_dir_all(root(&scene).join("refs")).unwrap();
    protect(&root(&scene), 0o555);
    assert_eq!(locate(&scene.hub(), None).unwrap(), whole);
    let tokenizer = snapshot(&scene).join("tokenizer.json");
    protect(&root(&scene), 0o755);
    fs::remove_file(&tokenizer).unwrap();
    fs::remove_file(root(&scene).join("blobs").join(git_hash(&tiny().files["tokenizer.json"]))).unwrap();
    protect(&root(&scene), 0o555);
    let found = locate(&scene.hub(), None);
    protect(&root(&scene), 0o755);
    assert_eq!(found.unwrap().weights, whole.weights);
}

#[test]
#[cfg(unix)]
fn a_cache_may_be_reached_by_a_link() {
    let scene = filled();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("hub");
    std::os::unix::fs::symlink(scene.cache.path(), &link).unwrap();
    let by_link = HubSettings { offline: true, ..HubSettings::new(link) };
    assert!(locate(&Hub::new(by_link), None).is_ok());
    let other = elsewhere.path().join("other");
    fs::create_dir(&other).unwrap();
    std::os::unix::fs::symlink(root(&scene), other.join("models--org--tiny")).unwrap();
    assert!(locate(&Hub::new(HubSettings { offline: true, ..HubSettings::new(other) }), None).is_ok());
}

#[test]
fn a_snapshot_of_real_files_will_do() {
    let scene = filled();
    for entry in fs::read_dir(snapshot(&scene)).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    fs::remove_dir_all(root(&scene).join("blobs")).unwrap();
    let files = locate(&scene.offline(), None).unwrap();
    assert_eq!(digest(&files.weights[0]), sha256(&tiny().files["model.safetensors"]));
    // What of it is damaged is found and fetched again, too.
    for (file, keep) in [("config.json", 30), ("model.safetensors", 3000)] {
        let path = snapshot(&scene).join(file);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..keep]).unwrap();
        let said = said(&scene.offline(), None);
        assert!(said.contains(file) && said.contains("damaged"), "{said}");
        locate(&scene.hub(), None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_snapshot_without_refs_is_main_if_it_is_the_only_one() {
    let scene = filled();
    fs::remove_dir_all(root(&scene).join("refs")).unwrap();
    let files = locate(&scene.offline(), None).unwrap();
    assert_eq!(files.revision.as_deref(), Some(COMMIT));
    let away = Hub::new(HubSettings { endpoint: Some(nobody()), ..scene.settings() });
    assert_eq!(locate(&away, None).unwrap(), files);
    scene.server.hub_fault(HubFault::Refuses(429, "retry-after: 1000"));
    assert_eq!(locate(&scene.hub(), None).unwrap(), files);
    assert!(locate(&scene.offline(), Some(COMMIT)).is_ok());
    let tag = said(&scene.offline(), Some("v1"));
    assert!(tag.contains("not v1") && tag.contains(&format!("{NAME}@{COMMIT}")), "{tag}");

    let other = COMMIT.replace('0', "f");
    fs::create_dir_all(root(&scene).join("snapshots").join(&other)).unwrap();
    let two = said(&scene.offline(), None);
    for commit in [COMMIT, other.as_str()] {
        assert!(two.contains(&format!("{NAME}@{commit}")), "{two}");
    }
    assert!(!two.contains("is not in the cache"), "{two}");
}

#[test]
fn a_revision_that_is_not_there_names_those_that_are() {
    let scene = Scene::new(Repository { revisions: vec!["main", "v1"], ..tiny() });
    locate(&scene.hub(), Some("v1")).unwrap();
    let said = said(&scene.offline(), None);
    assert!(said.contains("not main") && said.contains("org/tiny@v1"), "{said}");
}

#[test]
fn a_model_in_another_format_is_said_to_be_there() {
    for other in ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "tiny.Q4_K_M.gguf", "tf_model.h5"]
    {
        let scene = filled();
        fs::remove_file(snapshot(&scene).join("model.safetensors")).unwrap();
        fs::write(snapshot(&scene).join(other), "weights").unwrap();
        let away = Hub::new(HubSettings { endpoint: Some(nobody()), ..scene.settings() });
        for hub in [scene.offline(), away] {
            let said = said(&hub, None);
            assert!(said.contains(other) && !said.contains("is not in the cache"), "{said}");
        }
        assert!(locate(&scene.hub(), None).is_ok(), "the hub has it in a format that is read");
    }
}

#[test]
#[cfg(unix)]
fn links_that_lead_nowhere_are_named_and_mended() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let scene = filled();
        let link = snapshot(&scene).join(file);
        fs::remove_file(link.canonicalize().unwrap()).unwrap();
        assert!(link.is_symlink() && !link.exists());
        let said = said(&scene.offline(), None);
        assert!(said.contains(file) && said.contains("gone"), "{said}");
        locate(&scene.hub(), None).unwrap();
        assert!(locate(&scene.offline(), None).is_ok());
    }
}

#[test]
fn an_unfinished_download_is_no_model() {
    let scene = Scene::new(tiny());
    let blobs = root(&scene).join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    let etag = sha256(&tiny().files["model.safetensors"]);
    fs::write(blobs.join(format!("{etag}.incomplete")), "x").unwrap();
    assert!(matches!(refusal(&scene.offline(), None), HubError::Incomplete { .. }));
    assert_eq!(scene.hub().cached(), []);
    locate(&scene.hub(), None).unwrap();
}

#[test]
fn what_the_hub_is_known_not_to_have_is_not_asked_for() {
    let scene = Scene::new(golden("gpt2-sort", &["config.json", "model.safetensors"]));
    locate(&scene.hub(), None).unwrap();
    let noted = root(&scene).join(".no_exist").join(COMMIT);
    assert!(noted.join("tokenizer.json").is_file());
    // As Python notes of other files, too.
    fs::write(noted.join("adapter_config.json"), "").unwrap();
    scene.server.asked();
    locate(&scene.hub(), None).unwrap();
    assert_eq!(scene.server.asked(), []);
    assert_eq!(scene.hub().cached().len(), 1);
}
