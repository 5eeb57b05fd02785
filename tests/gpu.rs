//! The CUDA path behind the emulated driver: how much it asks for, that its results don't hang on any order, and what it
//! does when the device fails. That its numbers are right is in tests/golden.

#![cfg(all(unix, not(feature = "cuda")))]
#![allow(clippy::unwrap_used)]

#[path = "support/checkpoint.rs"]
mod checkpoint;
#[path = "support/emulator.rs"]
mod emulator;
#[path = "support/numbers.rs"]
#[allow(dead_code)]
mod numbers;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use attnscope::attention::patching::{LogitPair, Patched};
use attnscope::attention::{Ablation, Capture, Gone, Statistic, View};
use attnscope::model::{
    Cancel, Control, DemoModel, DeviceChoice, LoadOptions, Model, ModelError, Patch, Reference, Sweep,
};
use attnscope::vocabulary::Instead;

use numbers::largest_difference;

/// Changes a setting of the driver that this process has loaded: `order`, `memory`, `driver`, `fail`.
fn set(name: &str, value: i64) {
    let name = std::ffi::CString::new(name).unwrap();
    // SAFETY: a function of tests/emulator/driver.cpp with this signature.
    #[allow(unsafe_code)]
    unsafe {
        let set: extern "C" fn(*const libc::c_char, i64) = std::mem::transmute(symbol(c"emulator_set"));
        set(name.as_ptr(), value);
    }
}

/// How often something was asked for since the last time: `launch`, `upload`, `read`, `alloc`, `memset`.
fn take(name: &str) -> i64 {
    let name = std::ffi::CString::new(name).unwrap();
    // SAFETY: as above.
    #[allow(unsafe_code)]
    unsafe {
        let take: extern "C" fn(*const libc::c_char) -> i64 = std::mem::transmute(symbol(c"emulator_take"));
        take(name.as_ptr())
    }
}

fn symbol(name: &std::ffi::CStr) -> *mut libc::c_void {
    emulator::load();
    // SAFETY: looks a name up in what this process has loaded.
    #[allow(unsafe_code)]
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    assert!(!found.is_null(), "{name:?} is in the driver");
    found
}

/// The driver's settings and counts are those of the process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    let held = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    emulator::load();
    for (name, value) in [("order", 0), ("memory", 1 << 34), ("driver", 13_000), ("fail", -1)] {
        set(name, value);
    }
    held
}

fn on(device: DeviceChoice) -> LoadOptions {
    LoadOptions { device, offline: true, ..LoadOptions::default() }
}

fn try_load(reference: &Reference, options: &LoadOptions) -> Result<Model, ModelError> {
    let mut control = Control { cancel: Cancel::new(), progress: &mut |_| () };
    Model::load(reference, options, &mut control)
}

fn load(reference: &Reference, device: DeviceChoice) -> Model {
    try_load(reference, &on(device)).unwrap()
}

const CUDA: DeviceChoice = DeviceChoice::Cuda(0);

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn run(model: &Model, count: u32) -> Capture {
    let ids: Vec<u32> = (0..count).map(|at| (at * at + 3 * at) % 37).collect();
    model.run(model.tokens_from_ids(&ids).unwrap(), &Cancel::new(), &mut |_| ()).unwrap()
}

/// Everything that was computed, to the bit.
fn bits(capture: &Capture) -> Vec<u32> {
    let mut values = capture.logits.clone();
    values.extend(capture.mean.cells());
    for layer in &capture.layers {
        values.extend(layer.qkv.get().query.rows().chain(layer.log_sum_exp.rows()).flatten());
        values.extend(layer.value_norms.rows().flatten());
        values.extend(layer.mean.cells());
        for head in &layer.heads {
            values.extend(head.thumbnail.cells());
            values.extend(Statistic::ALL.map(|statistic| head.statistics.get(statistic).unwrap_or(-1.0)));
        }
    }
    values.into_iter().map(f32::to_bits).collect()
}

fn near(found: &Capture, expected: &Capture) {
    for layer in 0..expected.model.layers {
        for head in 0..expected.model.heads {
            let [found, expected] =
                [found, expected].map(|it| it.matrix(View::Head { layer, head }).unwrap());
            let off = largest_difference(&found.cells(), &expected.cells());
            assert!(off < 2e-5, "layer {layer}, head {head} is off by {off}");
        }
    }
}

/// A checkpoint with so many layers: its own, one after the other, again and again.
fn with_layers(name: &str, (prefix, count_key): (&str, &str), layers: usize, folder: &Path) -> Reference {
    let folder = checkpoint::copy(&golden(name), folder.join(name));
    let mut own = 0;
    checkpoint::edit_config(&folder, |config| {
        own = config[count_key].as_u64().unwrap() as usize;
        config.insert(count_key.to_owned(), layers.into());
        if let Some(kinds) = config.get_mut("layer_types").and_then(|kinds| kinds.as_array_mut()) {
            *kinds = kinds.iter().cycle().take(layers).cloned().collect();
        }
    });
    checkpoint::edit_weights(&folder, |weights| {
        for at in own..layers {
            let of = |layer: usize| format!("{prefix}{layer}.");
            let names: Vec<String> =
                weights.keys().filter(|name| name.starts_with(&of(at % own))).cloned().collect();
            for name in names {
                let copy = weights[&name].clone();
                weights.insert(name.replacen(&of(at % own), &of(at), 1), copy);
            }
        }
    });
    Reference::Folder(folder)
}

#[test]
fn a_pass_asks_for_little_whatever_its_length() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let gpt2 = with_layers("gpt2-tiny", ("h.", "n_layer"), 12, folder.path());
    let gpt_oss = with_layers("gpt-oss-tiny", ("model.layers.", "num_hidden_layers"), 24, folder.path());
    for (reference, most) in [(gpt2, 95), (gpt_oss, 250)] {
        let asked = || ["launch", "upload", "read", "alloc"].map(take);
        // What a prompt begins with is not known.
        let model = try_load(&reference, &LoadOptions { no_cache: true, ..on(CUDA) }).unwrap();
        run(&model, 61);
        for count in [1, 5, 17, 40, 61] {
            asked();
            run(&model, count);
            let [launches, uploads, reads, allocations] = asked();
            println!("{reference}: {count} tokens: {launches} launches, {uploads} upload, {reads} read");
            assert!(launches > 12 && launches <= most, "{reference}, {count} tokens: {launches} launches");
            assert_eq!([uploads, reads, allocations], [1, 1, 0], "{reference}, {count} tokens");
        }
    }
}

#[test]
fn no_order_of_threads_blocks_or_streams_changes_a_bit() {
    let _alone = alone();
    for name in ["gpt2-tiny", "gpt-oss-tiny"] {
        let reference = Reference::Folder(golden(name));
        let mut expected = None;
        for order in [0, 1, 2, 3] {
            set("order", order);
            let model = load(&reference, CUDA);
            // Of many rows, and of a few that go on.
            let found = [45, 48].map(|count| bits(&run(&model, count)));
            let expected = expected.get_or_insert_with(|| found.clone());
            assert!(found == *expected, "{name} in order {order}");
        }
    }
}

#[test]
fn two_models_at_once_are_each_what_they_are_alone() {
    let _alone = alone();
    let references = DemoModel::ALL.map(Reference::Demo);
    let alone = references.each_ref().map(|reference| bits(&run(&load(reference, CUDA), 12)));
    set("order", 5);
    let models = references.each_ref().map(|reference| load(reference, CUDA));
    let together = thread::scope(|scope| {
        models.each_ref().map(|model| scope.spawn(|| bits(&run(model, 12)))).map(|run| run.join().unwrap())
    });
    assert!(together == alone);
}

#[test]
fn a_cancelled_pass_ends_and_the_next_one_is_right() {
    let _alone = alone();
    let reference = Reference::Folder(golden("gpt2-tiny"));
    let model = load(&reference, CUDA);
    let expected = bits(&run(&load(&reference, CUDA), 20));
    let cancel = Cancel::new();
    cancel.cancel();
    take("launch");
    let tokens = model.tokens_from_ids(&[1; 20]).unwrap();
    assert!(matches!(model.run(tokens, &cancel, &mut |_| ()), Err(ModelError::Cancelled)));
    assert_eq!(take("launch"), 0, "nothing is asked for any more");
    assert!(bits(&run(&model, 20)) == expected);
}

#[test]
fn the_cpu_goes_on_where_the_device_fails() {
    let _alone = alone();
    for at in [0, 7] {
        let reference = Reference::Folder(golden("gpt-oss-tiny"));
        let (model, expected) = (load(&reference, CUDA), run(&load(&reference, DeviceChoice::Cpu), 20));
        set("fail", at);
        let found = run(&model, 20);
        assert!(found.computed.note.is_some_and(|note| note.contains("GPU failed")), "{:?}", found.computed);
        assert!(found.computed.on_cpu && !expected.computed.on_cpu);
        let failure = model.take_gpu_failure().unwrap();
        assert!(failure.contains("computed on the CPU") && !failure.contains("DriverError"), "{failure}");
        assert_eq!(model.take_gpu_failure(), None, "it is said once");
        near(&found, &expected);
        // A device that was lost is not asked again.
        assert!(run(&model, 24).computed.note.is_none());
        set("fail", -1);
    }
}

#[test]
fn a_device_without_room_says_so_and_by_itself_leaves_it_to_the_cpu() {
    let _alone = alone();
    let reference = Reference::Demo(DemoModel::GptOss);
    set("memory", 100_000);
    let refused = |reference: &Reference, why: &str| {
        let error = try_load(reference, &on(CUDA)).err().unwrap().to_string();
        let words = [&reference.to_string(), why, "use --device auto", "or --device cpu"];
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    refused(&reference, "100.0 kB are free");
    let model = load(&reference, DeviceChoice::Auto);
    assert_eq!(model.info().device, "cpu");
    assert!(model.info().notes.iter().any(|note| note.contains("memory")), "{:?}", model.info().notes);
    // Packed, its weights would have room; as f32 they haven't.
    let packed: Reference = "demo:gpt2~q4_0".parse().unwrap();
    let weights = load(&packed, DeviceChoice::Cpu).info().resident_bytes;
    set("memory", i64::try_from(weights).unwrap() + 1000);
    refused(&packed, "no memory left");
}

#[test]
fn a_driver_that_is_too_old_is_named() {
    let _alone = alone();
    set("driver", 11_080);
    let error = try_load(&Reference::Demo(DemoModel::Gpt2), &on(CUDA)).err().unwrap().to_string();
    assert!(error.contains("11.8") && error.contains("driver 530"), "{error}");
}

#[test]
fn by_itself_a_device_is_taken_once_it_has_passed_its_test() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state/gpus");
    let options = LoadOptions { checked_gpus: Some(file.clone()), ..on(DeviceChoice::Auto) };
    let model = try_load(&Reference::Folder(golden("gpt2-tiny")), &options).unwrap();
    assert_eq!((model.info().device.as_str(), model.info().notes.len()), ("cuda:0", 0));
    let known = std::fs::read_to_string(file).unwrap();
    assert!(known.contains("emulated device, CUDA 13000") && known.lines().count() == 1, "{known}");
}

/// The largest distance of any head's weights, and the logits.
fn same(found: &Capture, expected: &Capture) {
    near(found, expected);
    let off = largest_difference(&found.logits, &expected.logits);
    assert!(off < 1e-4, "logits are off by {off}");
}

#[test]
fn queries_and_keys_stay_on_the_device_until_somebody_looks_at_a_head() {
    let _alone = alone();
    let reference = Reference::Folder(golden("gpt-oss-tiny"));
    let model = load(&reference, CUDA);
    let capture = run(&model, 40);
    take("read");
    for view in [View::Mean, View::Layer(1)] {
        capture.matrix(view).unwrap();
    }
    assert_eq!(take("read"), 0, "means came with the pass");
    for head in 0..2 {
        capture.matrix(View::Head { layer: 1, head }).unwrap();
    }
    assert_eq!(take("read"), 1, "a layer comes once");
    near(&capture, &run(&load(&reference, DeviceChoice::Cpu), 40));
}

#[test]
fn a_prompt_that_goes_on_takes_no_memory_and_another_one_leaves_what_captures_have() {
    let _alone = alone();
    let reference = Reference::Folder(golden("gpt-oss-tiny"));
    let (model, cpu) = (load(&reference, CUDA), load(&reference, DeviceChoice::Cpu));
    let of = |model: &Model, ids: &[u32]| {
        model.run(model.tokens_from_ids(ids).unwrap(), &Cancel::new(), &mut |_| ()).unwrap()
    };
    let asked = || ["alloc", "copy", "upload"].map(take);
    let mut ids: Vec<u32> = (0..30).map(|at| (at * 7) % 31).collect();
    let mut captures = vec![(ids.clone(), of(&model, &ids))];
    asked();
    for more in [3, 9, 11] {
        ids.push(more);
        captures.push((ids.clone(), of(&model, &ids)));
    }
    assert_eq!(asked(), [0, 0, 3]);
    // One that is stopped costs nothing of what was known.
    ids.push(12);
    let stopped = Cancel::new();
    stopped.cancel();
    let tokens = model.tokens_from_ids(&ids).unwrap();
    assert!(matches!(model.run(tokens, &stopped, &mut |_| ()), Err(ModelError::Cancelled)));
    asked();
    captures.push((ids.clone(), of(&model, &ids)));
    assert_eq!(asked(), [0, 0, 1]);
    // Other ends, of which the captures before have what was there.
    for cut in [25, 10, 28, 2] {
        ids.truncate(cut);
        ids.extend([1, 2, 3, 4]);
        captures.push((ids.clone(), of(&model, &ids)));
        assert!(take("copy") > 0 || cut == 28, "what is alike is copied on the device");
    }
    for (ids, capture) in &captures {
        same(capture, &of(&cpu, ids));
    }
    // Without anybody who asks for them, rows are written to again.
    drop(captures);
    model.run(model.tokens_from_ids(&[5; 20]).unwrap(), &Cancel::new(), &mut |_| ()).unwrap();
    let there = take("taken");
    for at in 0..5 {
        of(&model, &[at; 20]);
    }
    assert!(take("taken") <= there, "{} of {there}", take("taken"));
}

#[test]
fn what_takes_too_much_of_the_device_goes_to_the_host() {
    let _alone = alone();
    let reference = Reference::Folder(golden("gpt-oss-tiny"));
    let cpu = load(&reference, DeviceChoice::Cpu);
    let run_at = |model: &Model, start: u32| {
        let ids: Vec<u32> = (0..20).map(|at| (at * at + start) % 41).collect();
        model.run(model.tokens_from_ids(&ids).unwrap(), &Cancel::new(), &mut |_| ()).unwrap()
    };
    let model = load(&reference, CUDA);
    let empty = take("taken");
    run_at(&model, 0);
    let a_pass = take("taken") - empty;
    for room in [3 * a_pass, 5 * a_pass] {
        set("memory", 1 << 34);
        let model = load(&reference, CUDA);
        let limit = take("taken") + room;
        set("memory", limit);
        let captures: Vec<Capture> = (0..6).map(|start| run_at(&model, start)).collect();
        assert!(take("taken") <= limit, "there is room for all");
        // Some with their model gone, which has made room for the next.
        let (first, last) = captures.split_at(3);
        first.iter().zip(0..).for_each(|(found, start)| same(found, &run_at(&cpu, start)));
        drop(model);
        take("read");
        last.iter().zip(3..).for_each(|(found, start)| same(found, &run_at(&cpu, start)));
        assert_eq!(take("read"), 0, "nothing is kept for a model that is gone");
        assert!(captures.iter().all(|capture| capture.computed.note.is_none()));
    }

    // What is more than half of what is free without it comes to the host during the pass.
    set("memory", 1 << 34);
    let (model, layers) = (load(&reference, CUDA), cpu.info().layers as i64);
    let before = run_at(&model, 8);
    set("memory", take("taken") + 4096);
    take("read");
    run_at(&model, 9);
    assert_eq!(take("read"), layers + layers + 1, "those before leave, and each layer comes as it is done");
    for order in [0, 5] {
        set("order", order);
        let capture = run_at(&model, order as u32);
        assert_eq!(take("read"), layers + 1);
        same(&capture, &run_at(&cpu, order as u32));
        assert_eq!(take("read"), 0, "nothing has to be fetched");
    }
    same(&before, &run_at(&cpu, 8));
}

#[test]
fn no_more_than_two_layers_are_asked_for_at_a_time() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let reference = with_layers("gpt2-tiny", ("h.", "n_layer"), 12, folder.path());
    let model = load(&reference, CUDA);
    take("ahead");
    run(&model, 61);
    let ahead = take("ahead");
    assert!((7..=3 * 8).contains(&ahead), "{ahead} pieces of work wait");
}

/// What looks into a pass on the device finds what it finds on the CPU.
#[test]
fn lens_patching_and_sweeps_are_those_of_the_cpu() {
    let _alone = alone();
    for name in ["gpt2-tiny", "gpt-oss-tiny"] {
        let reference = Reference::Folder(golden(name));
        let found = [CUDA, DeviceChoice::Cpu].map(|device| {
            let (model, cancel) = (load(&reference, device), Cancel::new());
            let passes = [[3, 1, 4, 1, 5, 9], [3, 1, 7, 1, 8, 9]].map(|ids| {
                let tokens = model.tokens_from_ids(&ids).unwrap();
                Arc::new(model.run(tokens, &cancel, &mut |_| ()).unwrap())
            });
            let launches = take("launch");
            let tokens = passes[0].tokens.to_vec();
            let (capture, stream) =
                model.run_keeping(tokens, &Ablation::default(), &cancel, &mut |_| ()).unwrap();
            let lens = model.lens(&stream, 5, 3).unwrap();
            let mut values: Vec<f32> =
                lens.rows.iter().flat_map(|row| row.next.iter().map(|next| next.probability)).collect();
            let mut sweep = Sweep::new(&capture, Instead::Zero);
            while !sweep.is_done() {
                sweep.step(&model, &stream, &cancel).unwrap();
            }
            values.extend(sweep.found().unwrap().divergences.concat());
            let logits = LogitPair::new([&passes[0], &passes[1]], None, None).unwrap();
            // Each of them on one of the models.
            let what = if name == "gpt2-tiny" { Patched::Heads } else { Patched::Residual };
            let mut patch = Patch::new(passes.clone(), what, logits).unwrap();
            while !patch.is_done() {
                patch.step(&model, &cancel).unwrap();
            }
            values.extend(patch.found().effects.concat().into_iter().flatten());
            let query = passes[0].tokens.len() - 1;
            let pass = model.run_token(&passes[0], query, 3, &cancel).unwrap();
            let push = model.push(&passes[0], &pass, (None, None), &cancel).unwrap();
            values.extend(push.heads.iter().map(|head| head.total as f32));
            assert_eq!(take("launch") > 100, device == CUDA, "{launches}");
            values
        });
        assert_eq!(found[0].len(), found[1].len());
        let top = found[1].iter().fold(0f32, |top, value| top.max(value.abs()));
        for (at, (found, expected)) in found[0].iter().zip(&found[1]).enumerate() {
            assert!((found - expected).abs() < 1e-3 * top, "{name}, {at}: {found}, not {expected}");
        }
    }
}

#[test]
fn who_looks_into_a_pass_that_fails_sees_that_of_the_cpu() {
    let _alone = alone();
    let reference = Reference::Folder(golden("gpt2-tiny"));
    let (model, cpu) = (load(&reference, CUDA), load(&reference, DeviceChoice::Cpu));
    set("fail", 9);
    let lens = [&model, &cpu].map(|model| {
        let tokens = model.tokens_from_ids(&[1, 2, 3]).unwrap();
        let (capture, stream) =
            model.run_keeping(tokens, &Ablation::default(), &Cancel::new(), &mut |_| ()).unwrap();
        (capture.computed.note.is_some(), model.lens(&stream, 2, 3).unwrap().rows)
    });
    assert_eq!((lens[0].0, lens[1].0), (true, false));
    assert_eq!(lens[0].1, lens[1].1);
}

#[test]
fn what_a_lost_device_kept_is_said_to_be_gone() {
    let _alone = alone();
    let model = load(&Reference::Folder(golden("gpt2-tiny")), CUDA);
    let capture = run(&model, 9);
    set("fail", 0);
    assert!(run(&model, 12).computed.on_cpu);
    let look = std::panic::AssertUnwindSafe(|| capture.matrix(View::Head { layer: 0, head: 0 }));
    let gone = std::panic::catch_unwind(look).unwrap_err().downcast::<Gone>().unwrap();
    assert!(gone.0.contains("run it again"), "{gone:?}");
}

/// The program as it is, with the emulated driver where it looks for one.
#[test]
fn a_command_says_that_the_device_failed_and_files_say_what_computed_them() {
    let folder = tempfile::tempdir().unwrap();
    let export = |fail: &str| {
        let out = folder.path().join("mean.csv");
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_attnscope"))
            .args([
                "export",
                "--device",
                "cuda",
                "--model",
                "demo:gpt2",
                "--prompt",
                "the cat",
                "--format",
                "csv",
            ])
            .arg("--out")
            .arg(&out)
            .envs([
                ("LD_LIBRARY_PATH", emulator::folder().to_str().unwrap()),
                ("ATTNSCOPE_EMULATOR_FAIL", fail),
            ])
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        let file = std::fs::read_to_string(&out).unwrap();
        std::fs::remove_file(out).unwrap();
        (String::from_utf8(run.stderr).unwrap(), file)
    };
    let (said, file) = export("-1");
    assert!(!said.contains("failed") && file.contains("\"device\":\"cuda:0\""), "{said}");
    let (said, file) = export("3");
    assert!(said.contains("demo:gpt2") && said.contains("computed on the CPU"), "{said}");
    assert!(file.contains("\"device\":\"cpu\""), "{file}");
}

#[test]
fn a_command_that_needs_what_a_lost_device_kept_says_so() {
    let run = |command: &str, fail: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_attnscope"))
            .args([command, "--device", "cuda", "--model", "demo:gpt2", "--prompt", "the cat sat"])
            .envs([
                ("LD_LIBRARY_PATH", emulator::folder().to_str().unwrap()),
                ("ATTNSCOPE_EMULATOR_FAIL", fail),
            ])
            .output()
            .unwrap()
    };
    let lost = run("push", "40");
    let said = String::from_utf8(lost.stderr).unwrap();
    assert_eq!(lost.status.code(), Some(1), "{said}");
    assert!(said.contains("run it again") && said.lines().count() == 1, "{said}");
    // All that it needs is computed again.
    let swept = run("sweep", "46");
    let said = String::from_utf8(swept.stderr).unwrap();
    assert!(swept.status.success() && said.contains("computed on the CPU"), "{said}");
}
