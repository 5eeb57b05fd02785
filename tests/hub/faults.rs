//! Servers that lie, break, refuse or say nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use attnscope::model::files::hub::Token;
use attnscope::model::files::{Hub, HubError, HubSettings};
use attnscope::model::{Cancel, Control, LoadProgress, ModelError};

use super::server::{COMMIT, Fault, HubFault, Repository, git_hash};
use super::{NAME, Scene, digest, locate, plan, refusal, sha256, shard_name, sharded, tiny, watched};

const INDEX: &str = "model.safetensors.index.json";

fn has_file(scene: &Scene, file: &str) -> bool {
    scene.cache.path().join("models--org--tiny/snapshots").join(COMMIT).join(file).exists()
}

#[test]
fn a_bit_that_flips_on_its_way_is_found_wherever_it_is() {
    for (file, repository) in [("config.json", tiny()), ("tokenizer.json", tiny()), (INDEX, sharded())] {
        let bits = repository.files[file].len() * 8;
        let scene = Scene::new(repository);
        for part in 0..8 {
            scene.server.hub_fault(HubFault::Flips(file, bits / 8 * part + part));
            let error = refusal(&scene.hub(), None);
            assert!(matches!(&error, HubError::Corrupt { file: named, .. } if named == file), "{error}");
            assert!(error.to_string().contains("git hash") && !has_file(&scene, file), "{error}");
        }
        scene.server.behave();
        assert!(locate(&scene.hub(), None).is_ok());
    }
}

#[test]
fn damage_in_transit_is_fetched_again_at_once() {
    let scene = Scene::new(tiny());
    scene.server.fault(Fault::DamageOnce);
    let files = locate(&scene.hub(), None).unwrap();
    assert_eq!(digest(&files.weights[0]), sha256(&tiny().files["model.safetensors"]));
    let asked = scene.server.asked().into_iter().filter(|asked| asked.large).count();
    assert_eq!(asked, 2);
}

#[test]
fn bytes_that_were_not_asked_for_are_not_kept() {
    for fault in [Fault::WrongRange, Fault::WrongBytes] {
        let scene = Scene::new(tiny());
        scene.server.fault(fault);
        let error = refusal(&scene.hub(), None);
        assert!(error.to_string().contains("model.safetensors"), "{error}");
        assert!(!has_file(&scene, "model.safetensors"));
        scene.server.behave();
        let files = locate(&scene.hub(), None).unwrap();
        assert_eq!(digest(&files.weights[0]), sha256(&tiny().files["model.safetensors"]));
    }
}

#[test]
fn a_size_that_is_absurd_or_none_is_an_error_and_nothing_comes() {
    for (header, value) in [
        ("x-linked-size", "99999999999999999999"),
        ("x-linked-size", "18446744073709551615"),
        ("x-linked-size", "-1"),
        ("x-linked-size", ""),
        ("x-repo-commit", "../../../evil"),
        ("x-linked-etag", "\"../../../evil\""),
    ] {
        let scene = Scene::new(tiny());
        scene.server.hub_fault(HubFault::Says(header, value));
        for error in [plan(&scene.hub()).unwrap_err(), locate(&scene.hub(), None).unwrap_err()] {
            assert!(error.to_string().contains(header.trim_start_matches("x-linked-e")), "{header}: {error}");
        }
        assert!(scene.server.asked().iter().all(|asked| !asked.large));
    }
}

#[test]
fn an_index_of_hundreds_of_megabytes_is_not_fetched() {
    let scene = Scene::new(sharded());
    scene.server.hub_fault(HubFault::Says("x-linked-size", "700000000"));
    let error = plan(&scene.hub()).unwrap_err().to_string();
    assert!(error.contains(INDEX) && error.contains("700.0 MB"), "{error}");
    assert!(!has_file(&scene, INDEX));
}

#[test]
fn nothing_large_comes_that_nobody_has_agreed_to() {
    let scene = Scene::new(Repository { claimed_size: Some(5_000_000_000), ..tiny() });
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| {} };
    let error = scene.hub().locate(super::model(None), 4_999_999_999, &mut control).unwrap_err();
    assert!(
        matches!(error, ModelError::Hub(HubError::NotAgreed { missing: 5_000_000_000.., .. })),
        "{error}"
    );
    assert!(error.to_string().contains("5.0 GB") && error.to_string().contains("--yes"), "{error}");
    assert!(scene.server.asked().iter().all(|asked| !asked.large));
}

#[test]
fn a_limit_of_requests_is_said_with_the_time_to_come_back() {
    let scene = Scene::new(tiny());
    scene.server.hub_fault(HubFault::Refuses(429, "retry-after: 250"));
    let begun = Instant::now();
    let said = refusal(&scene.hub(), None).to_string();
    assert!(said.contains("429") && said.contains("4 min 10 s") && said.contains("set HF_TOKEN"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(scene.server.asked().len(), 1, "it said when to come back, and that was heeded");

    scene.server.hub_fault(HubFault::Refuses(429, "ratelimit: \"api\";r=0;t=120"));
    let hub = Hub::new(HubSettings { token: Token::new("secret", "HF_TOKEN"), ..scene.settings() });
    let said = refusal(&hub, None).to_string();
    assert!(said.contains("2 min") && !said.contains("set HF_TOKEN"), "{said}");
}

#[test]
fn a_short_wait_that_the_hub_asks_for_is_waited() {
    let scene = Scene::new(tiny());
    scene.server.hub_fault(HubFault::RefusesOnce(429, "retry-after: 2"));
    let begun = Instant::now();
    let (files, steps) = watched(&scene.hub(), None, |_, _| {});
    files.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert!(steps.contains(&LoadProgress::Waiting { seconds: 1 }), "{steps:?}");
}

#[test]
fn refusals_of_the_hub_and_of_others_are_told_apart() {
    let scene = Scene::new(tiny());
    scene.server.hub_fault(HubFault::Refuses(503, "retry-after: 3600"));
    let error = refusal(&scene.hub(), None);
    assert!(matches!(error, HubError::OutOfOrder { status: 503, server: None, .. }), "{error}");
    assert!(error.to_string().contains("1 h 0 min"), "{error}");
    scene.server.behave();

    for (status, wanted) in
        [(403, "refuses it (status 403)"), (404, "refuses it (status 404)"), (502, "status 502")]
    {
        scene.server.fault(Fault::Status(status));
        let said = refusal(&scene.hub(), None).to_string();
        assert!(said.contains("127.0.0.1:") && said.contains(wanted), "{said}");
        assert!(said.contains("model.safetensors") && !said.contains("licence"), "{said}");
    }
    scene.server.behave();
    // Addresses run out; the hub gives another.
    scene.server.fault(Fault::StatusOnce(403));
    assert!(locate(&scene.hub(), None).is_ok());
}

#[test]
fn a_silent_hub_is_waited_for_once_with_something_to_see() {
    let scene = Scene::new(tiny());
    scene.server.hub_fault(HubFault::Silent);
    let hub = Hub::new(HubSettings { timeout: Duration::from_secs(2), ..scene.settings() });
    let begun = Instant::now();
    let (files, steps) = watched(&hub, None, |_, _| {});
    let error = files.unwrap_err();
    assert!(matches!(error, ModelError::Hub(HubError::Silent { seconds: 2, .. })), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(scene.server.asked().len(), 1);
    assert_eq!(steps[..2], [LoadProgress::Resolving, LoadProgress::Waiting { seconds: 1 }]);
}

#[test]
fn a_server_that_never_sends_is_given_up_after_two_waits() {
    let scene = Scene::new(tiny());
    scene.server.fault(Fault::Silent);
    let hub = Hub::new(HubSettings { timeout: Duration::from_millis(300), ..scene.settings() });
    let error = refusal(&hub, None);
    assert!(matches!(error, HubError::Silent { .. }), "{error}");
    assert_eq!(scene.server.asked().iter().filter(|asked| asked.large).count(), 2);
}

#[test]
fn whoever_cancels_a_silent_wait_is_heard_at_once() {
    for (hub_fault, fault) in
        [(Some(HubFault::Silent), None), (None, Some(Fault::Silent)), (None, Some(Fault::StallOnce(9)))]
    {
        let scene = Scene::new(tiny());
        if let Some(fault) = hub_fault {
            scene.server.hub_fault(fault);
        }
        if let Some(fault) = fault {
            scene.server.fault(fault);
        }
        let hub = Hub::new(HubSettings { timeout: Duration::from_secs(600), ..scene.settings() });
        let begun = Instant::now();
        let (files, _) = watched(&hub, None, |step, cancel| {
            if matches!(step, LoadProgress::Waiting { .. }) {
                cancel.cancel();
            }
        });
        assert!(matches!(files, Err(ModelError::Cancelled)));
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}

#[test]
fn redirects_that_lead_nowhere_or_in_circles_end() {
    let scene = Scene::new(tiny());
    let circle = format!("/{NAME}/resolve/main/config.json");
    for to in [circle.leak(), "ftp://x/y?signature=s3cret", "//evil/x"] {
        scene.server.hub_fault(HubFault::Redirects(to));
        let said = refusal(&scene.hub(), None).to_string();
        assert!(said.contains("redirect") && !said.contains("s3cret"), "{said}");
    }
}

#[test]
fn nothing_secret_is_said() {
    let scene = Scene::new(tiny());
    let with = |endpoint: &str| {
        let endpoint = Some(endpoint.to_owned());
        let token = Token::new("hf_s3cret", "HF_TOKEN");
        refusal(&Hub::new(HubSettings { endpoint, token, ..scene.settings() }), None).to_string()
    };
    for endpoint in
        ["http://me:s3cret@127.0.0.1:1", "ftp://me:s3cret@hub", "me:s3cret@hub", "http://s3cret@/x", ""]
    {
        let said = with(endpoint);
        assert!(!said.contains("s3cret"), "{said}");
    }
    assert!(with("hub.example").contains("HF_ENDPOINT"));

    let token = Token::new("hf_s3cret and more", "HF_TOKEN");
    let said = refusal(&Hub::new(HubSettings { token, ..scene.settings() }), None).to_string();
    assert!(said.contains("the token of HF_TOKEN has a blank") && !said.contains("s3cret"), "{said}");
    assert_eq!(scene.server.asked(), []);
}

#[test]
fn a_bad_part_is_thrown_away_and_the_file_comes_whole() {
    for (file, etag) in [
        ("model.safetensors", sha256(&tiny().files["model.safetensors"])),
        ("config.json", git_hash(&tiny().files["config.json"])),
    ] {
        let scene = Scene::new(tiny());
        let blobs = scene.cache.path().join("models--org--tiny/blobs");
        std::fs::create_dir_all(&blobs).unwrap();
        let size = tiny().files[file].len();
        for bad in [vec![0; size / 2], vec![0; size], vec![0; size + 9]] {
            std::fs::write(blobs.join(&etag).with_extension("part"), bad).unwrap();
            let files = locate(&scene.hub(), None).unwrap();
            for (found, name) in [(&files.weights[0], "model.safetensors"), (&files.config, "config.json")] {
                assert_eq!(digest(found), sha256(&tiny().files[name]));
            }
            std::fs::remove_dir_all(scene.cache.path().join("models--org--tiny/snapshots")).unwrap();
            std::fs::remove_file(blobs.join(&etag)).unwrap();
        }
    }
}

#[test]
fn damage_in_the_cache_is_found_named_and_fetched_again() {
    let damage = |path: &Path, how: &str| {
        let path = path.canonicalize().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        match how {
            "cut" => bytes.truncate(bytes.len() / 2),
            "empty" => bytes.clear(),
            _ => bytes[20] ^= 4,
        }
        std::fs::write(&path, bytes).unwrap();
    };
    for (file, hows) in [
        ("config.json", &["cut", "empty", "flip"][..]),
        ("tokenizer.json", &["cut", "empty", "flip"]),
        ("model.safetensors", &["cut", "empty"]),
    ] {
        for how in hows {
            let scene = Scene::new(tiny());
            let whole = locate(&scene.hub(), None).unwrap();
            let snapshot = scene.cache.path().join("models--org--tiny/snapshots").join(COMMIT);
            damage(&snapshot.join(file), how);
            let said = refusal(&scene.offline(), None).to_string();
            assert!(said.contains(file) && said.contains("damaged"), "{file} {how}: {said}");
            assert_eq!(locate(&scene.hub(), None).unwrap(), whole);
            for found in whole.all() {
                let name = found.name().rsplit('/').next().unwrap().to_owned();
                assert_eq!(digest(found), sha256(&tiny().files[&name]), "{file} {how}");
            }
        }
    }
    // A shard, too.
    let scene = Scene::new(sharded());
    let whole = locate(&scene.hub(), None).unwrap();
    let shard = scene.cache.path().join("models--org--tiny/snapshots").join(COMMIT).join(shard_name(1));
    damage(&shard, "cut");
    assert!(refusal(&scene.offline(), None).to_string().contains(&shard_name(1)));
    assert_eq!(locate(&scene.hub(), None).unwrap(), whole);
    assert_eq!(digest(&whole.weights[1]), sha256(&sharded().files[&shard_name(1)]));
}
